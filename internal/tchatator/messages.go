package tchatator

import (
	"context"

	"github.com/guichet-api/guichet/gen/tchatator/api"
	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/platform/page"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// ListMessages answers a page of the caller's conversations, or of one of them.
func (a *API) ListMessages(ctx context.Context, r api.ListMessagesRequestObject) (api.ListMessagesResponseObject, error) {
	me := callerOf(ctx)
	count := func() (int64, error) { return a.queries.CountMessages(ctx, me) }
	list := func(ctx context.Context, rows int32, skip int64) ([]db.Message, error) {
		return a.queries.ListMessages(ctx, db.ListMessagesParams{UserID: me, Rows: rows, Skip: skip})
	}
	if r.Params.With != nil {
		other := *r.Params.With
		count = func() (int64, error) { return a.queries.CountConversation(ctx, me, other) }
		list = func(ctx context.Context, rows int32, skip int64) ([]db.Message, error) {
			return a.queries.ListConversation(ctx, db.ListConversationParams{UserID: me, OtherID: other, Rows: rows, Skip: skip})
		}
	}
	total, err := count()
	if err != nil {
		return nil, err
	}
	window := page.Window{Page: r.Params.Page, Limit: int32(a.cfg.PageSize)} //nolint:gosec // at most MaxPageSize
	rows, err := page.Read(ctx, window, total, func(ctx context.Context, skip int64) ([]db.Message, error) {
		return list(ctx, window.Limit, skip)
	})
	if err != nil {
		return nil, err
	}
	messages := make([]api.Message, len(rows))
	for i, row := range rows {
		messages[i] = listedMessage(row)
	}
	return api.ListMessages200JSONResponse{Messages: messages, Pagination: pagination(window, total)}, nil
}

// GetMessage answers a message that the caller sent or received.
func (a *API) GetMessage(ctx context.Context, r api.GetMessageRequestObject) (api.GetMessageResponseObject, error) {
	found, err := a.queries.GetMessage(ctx, r.ID, callerOf(ctx))
	if err != nil {
		return nil, pg.IfNoRows(err, errNoMessage)
	}
	return api.GetMessage200JSONResponse(listedMessage(found)), nil
}
