package reunion

import (
	"math"

	"github.com/guichet-api/guichet/gen/reunion/db"
)

// score is how a réunion was liked: the mean of the ratings, and the net promoter score, the percentage of promoters (9 and 10
// of 10) less that of detractors (0 to 6), rounded to an integer in −100…100. Without surveys there is none.
func score(surveys []db.Survey) (average *float64, nps *int32) {
	if len(surveys) == 0 {
		return nil, nil
	}
	var ratings, balance int64
	for _, s := range surveys {
		ratings += int64(s.OverallRating)
		switch {
		case s.RecommendationScore >= 9:
			balance++
		case s.RecommendationScore <= 6:
			balance--
		}
	}
	n := float64(len(surveys))
	mean, net := float64(ratings)/n, int32(math.Round(100*float64(balance)/n))
	return &mean, &net
}
