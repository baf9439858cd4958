package reunion

import (
	"math"

	"github.com/guichet-api/guichet/gen/reunion/db"
)

// score is how a réunion was liked: the mean of the ratings, and the net promoter score, the percentage of promoters (9 and 10
// of 10) less that of detractors (0 to 6), rounded to an integer in −100…100. Without surveys there is none.
func score(all db.ScoreSurveysRow) (average *float64, nps *int32) {
	if all.Surveys == 0 {
		return nil, nil
	}
	n := float64(all.Surveys)
	mean, net := float64(all.Ratings)/n, int32(math.Round(100*float64(all.Balance)/n))
	return &mean, &net
}
