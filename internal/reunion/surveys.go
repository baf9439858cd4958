package reunion

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/web"
)

// SubmitSurvey stores what a client thought of a réunion, which may be over, and tells the host.
func (a *API) SubmitSurvey(ctx context.Context, r api.SubmitSurveyRequestObject) (api.SubmitSurveyResponseObject, error) {
	if err := a.chargeVisit(ctx, "survey", web.PeerKey(ctx)); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	s := db.InsertSurveyParams{
		ID: id, ReunionID: r.ID, OverallRating: r.Body.OverallRating, Comment: r.Body.Comment,
		ExplanationClarity: r.Body.ExplanationClarity, HostSupport: r.Body.HostSupport,
		DiscoveredNewProduct: r.Body.DiscoveredNewProduct, ProductQuality: r.Body.ProductQuality,
		FutureParticipation: r.Body.FutureParticipation, Suggestion: r.Body.Suggestion,
		RecommendationScore: r.Body.RecommendationScore, SubmittedAt: a.now(),
	}
	defer a.live.lanes.shared(r.ID)()
	err = a.queries.InsertSurvey(ctx, s)
	if pg.Violates(err, surveyOfReunion) {
		return nil, errNoReunion
	}
	if err != nil {
		return nil, err
	}
	a.live.tellHost(ctx, r.ID, surveyed(r.ID, id, s.SubmittedAt))
	return api.SubmitSurvey200JSONResponse{Success: true}, nil
}

// maxSurveys is how many surveys of a réunion are listed.
const maxSurveys = 1000

// ListSurveys answers the newest surveys of one of the caller's réunions, oldest first, and the score of all of them.
func (a *API) ListSurveys(ctx context.Context, r api.ListSurveysRequestObject) (api.ListSurveysResponseObject, error) {
	if _, err := findReunion(ctx, a.queries, r.ID, ownedBy(login.CallerOf(ctx))); err != nil {
		return nil, err
	}
	var answer api.ListSurveys200JSONResponse
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, a.deps.Pool, moment, func(tx pgx.Tx) error {
		q := a.queries.WithTx(tx)
		all, err := q.ScoreSurveys(ctx, r.ID)
		if err != nil {
			return err
		}
		rows, err := q.ListLatestSurveys(ctx, r.ID, maxSurveys)
		answer.Surveys, answer.Count = convertAll(rows, survey), all.Surveys
		answer.AverageRating, answer.Nps = score(all)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}
