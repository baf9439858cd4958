package reunion

import (
	"context"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// SubmitSurvey stores what a client thought of a réunion, which may be over, and tells the host.
func (a *API) SubmitSurvey(ctx context.Context, r api.SubmitSurveyRequestObject) (api.SubmitSurveyResponseObject, error) {
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
	var news debt
	news.surveyed(r.ID, id, s.SubmittedAt)
	a.live.tellHost(ctx, r.ID, news)
	return api.SubmitSurvey200JSONResponse{Success: true}, nil
}

// ListSurveys answers the surveys of one of the caller's réunions, oldest first, and their score.
func (a *API) ListSurveys(ctx context.Context, r api.ListSurveysRequestObject) (api.ListSurveysResponseObject, error) {
	if _, err := findReunion(ctx, a.queries, r.ID, ownedBy(login.CallerOf(ctx))); err != nil {
		return nil, err
	}
	rows, err := a.queries.ListSurveys(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	average, nps := score(rows)
	return api.ListSurveys200JSONResponse{
		Surveys: convertAll(rows, survey), Count: int64(len(rows)), AverageRating: average, Nps: nps,
	}, nil
}
