package tiptop

import (
	"context"
	"net/http"

	"github.com/guichet-api/guichet/gen/tiptop/api"
)

const (
	textOnline    = "✅ API The Tip Top en ligne et opérationnelle -branche dev- !"
	textConnected = "✅ DB connectée branche dev"
)

// CheckHealth answers as long as the process lives.
func (a *API) CheckHealth(context.Context, api.CheckHealthRequestObject) (api.CheckHealthResponseObject, error) {
	return api.CheckHealth200JSONResponse{Message: textOnline}, nil
}

// CheckDatabase answers the database's own time.
func (a *API) CheckDatabase(ctx context.Context, _ api.CheckDatabaseRequestObject) (api.CheckDatabaseResponseObject, error) {
	now, err := a.queries.GetDatabaseTime(ctx)
	if err != nil {
		return nil, err
	}
	return api.CheckDatabase200JSONResponse{Message: textConnected, Time: now}, nil
}

// GetMetrics answers the metrics of the process.
func (a *API) GetMetrics(ctx context.Context, _ api.GetMetricsRequestObject) (api.GetMetricsResponseObject, error) {
	// Without an Accept header the format is text 0.0.4, whatever the client would like better.
	scrape, err := http.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return nil, err
	}
	return metrics{handler: a.deps.Scrape, request: scrape}, nil
}

// metrics is an answer that a Prometheus handler writes.
type metrics struct {
	handler http.Handler
	request *http.Request
}

// VisitGetMetricsResponse writes the answer.
func (m metrics) VisitGetMetricsResponse(w http.ResponseWriter) error {
	m.handler.ServeHTTP(w, m.request)
	return nil
}
