package tiptop

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/page"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

const (
	textPrizeCreated     = "Prix créé avec succès"
	textPrizeUpdated     = "Prix mis à jour avec succès"
	textPrizeDeactivated = "Prix désactivé avec succès"
	textEmployeeCreated  = "Employé créé avec succès"
	textUserUpdated      = "Utilisateur mis à jour avec succès"
	textUserDeleted      = "Utilisateur supprimé avec succès"
	textCodesIssued      = "Codes générés avec succès"
)

var (
	errDemoteSelf = problem.New(problem.Invalid, "Vous ne pouvez pas retirer votre propre rôle d'administrateur")
	errDeleteSelf = problem.New(problem.Invalid, "Vous ne pouvez pas supprimer votre propre compte")
	errStockLimit = problem.New(problem.Invalid, "Le stock initial ne peut pas dépasser 1 000 000 000")
)

// maxStock is the contract's limit of a stock.
const maxStock = 1_000_000_000

// GetStatistics answers the figures of one moment.
func (a *API) GetStatistics(ctx context.Context, _ api.GetStatisticsRequestObject) (api.GetStatisticsResponseObject, error) {
	row, err := a.queries.GetStatistics(ctx)
	if err != nil {
		return nil, err
	}
	return api.GetStatistics200JSONResponse{Success: true, Data: statistics(row)}, nil
}

// ListPrizes answers every prize, oldest first.
func (a *API) ListPrizes(ctx context.Context, _ api.ListPrizesRequestObject) (api.ListPrizesResponseObject, error) {
	rows, err := a.queries.ListPrizes(ctx)
	if err != nil {
		return nil, err
	}
	return api.ListPrizes200JSONResponse{Success: true, Data: convertAll(rows, listedPrize)}, nil
}

// CreatePrize adds a prize, which can be won at once.
func (a *API) CreatePrize(ctx context.Context, r api.CreatePrizeRequestObject) (api.CreatePrizeResponseObject, error) {
	cents, err := parseAmount(r.Body.Value)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	var prize db.Prize
	err = a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		prize, err = q.InsertPrize(ctx, db.InsertPrizeParams{
			ID: id, Type: string(r.Body.Type), Name: r.Body.Name, Description: r.Body.Description, ValueCents: cents,
			Probability: r.Body.Probability, InitialStock: r.Body.Stock, CreatedAt: a.now(),
		})
		if err != nil {
			return err
		}
		return q.InsertStock(ctx, id, r.Body.Stock)
	})
	if err != nil {
		return nil, err
	}
	return api.CreatePrize201JSONResponse{Success: true, Message: textPrizeCreated, Data: createdPrize(prize)}, nil
}

// UpdatePrize changes what the request names.
func (a *API) UpdatePrize(ctx context.Context, r api.UpdatePrizeRequestObject) (api.UpdatePrizeResponseObject, error) {
	change := db.UpdatePrizeParams{
		ID: r.ID, Name: r.Body.Name, SetDescription: r.Body.Description.IsSpecified(), Description: orNil(r.Body.Description),
		Probability: r.Body.Probability, IsActive: r.Body.IsActive,
	}
	if r.Body.Value != nil {
		cents, err := parseAmount(*r.Body.Value)
		if err != nil {
			return nil, err
		}
		change.ValueCents = &cents
	}
	var (
		prize db.Prize
		stock int32
	)
	err := a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		var err error
		if stock, change.StockAdded, err = setStock(ctx, q, r.ID, r.Body.Stock); err != nil {
			return err
		}
		prize, err = q.UpdatePrize(ctx, change)
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.UpdatePrize200JSONResponse{Success: true, Message: textPrizeUpdated, Data: updatedPrize(prize, stock)}, nil
}

// setStock holds a prize and its stock, sets the stock to wanted unless that is nil, and tells what it is now and how much was
// added to it.
func setStock(ctx context.Context, q *db.Queries, prize uuid.UUID, wanted *int32) (stock, added int32, err error) {
	held, err := q.LockPrize(ctx, prize)
	if err != nil {
		return 0, 0, pg.IfNoRows(err, errNoPrize)
	}
	shards, err := q.LockStock(ctx, prize)
	if err != nil {
		return 0, 0, err
	}
	for _, remaining := range shards {
		stock += remaining
	}
	if wanted == nil {
		return stock, 0, nil
	}
	added = max(*wanted-stock, 0)
	if held.InitialStock > maxStock-added {
		return 0, 0, errStockLimit
	}
	return *wanted, added, q.SetStock(ctx, *wanted, prize)
}

// DeletePrize takes a prize out of the draw; it stays for those who won it.
func (a *API) DeletePrize(ctx context.Context, r api.DeletePrizeRequestObject) (api.DeletePrizeResponseObject, error) {
	if _, err := a.queries.DeactivatePrize(ctx, r.ID); err != nil {
		return nil, pg.IfNoRows(err, errNoPrize)
	}
	return api.DeletePrize200JSONResponse{Success: true, Message: textPrizeDeactivated}, nil
}

// ListUsers answers a page of the accounts, newest first.
func (a *API) ListUsers(ctx context.Context, r api.ListUsersRequestObject) (api.ListUsersResponseObject, error) {
	totals, err := a.queries.GetTotals(ctx)
	if err != nil {
		return nil, err
	}
	total, role := userTotal(totals), r.Params.Role
	if role != nil {
		total = usersOf(totals, *role)
	}
	w := page.Window{Page: r.Params.Page, Limit: r.Params.Limit}
	rows, err := page.Read(ctx, w, total, func(ctx context.Context, skip int64) ([]db.User, error) {
		if role != nil {
			return a.queries.ListUsersByRole(ctx, db.ListUsersByRoleParams{Role: string(*role), SkipRows: skip, MaxRows: w.Limit})
		}
		return a.queries.ListUsers(ctx, skip, w.Limit)
	})
	if err != nil {
		return nil, err
	}
	return api.ListUsers200JSONResponse{Success: true, Data: api.UsersPage{
		Users: convertAll(rows, listedUser), Pagination: pagination(w, total),
	}}, nil
}

// CreateEmployee adds an employee, whose address somebody who knows them has checked.
func (a *API) CreateEmployee(ctx context.Context, r api.CreateEmployeeRequestObject) (api.CreateEmployeeResponseObject, error) {
	hash, err := a.deps.Passwords.Hash(ctx, r.Body.Password)
	if err != nil {
		return nil, err
	}
	added, err := a.insertUser(ctx, a.queries, db.InsertUserParams{
		Email: r.Body.Email, PasswordHash: hash, FirstName: r.Body.FirstName, LastName: r.Body.LastName,
		Role: string(api.RoleEMPLOYEE), IsVerified: true,
	})
	if err != nil {
		return nil, err
	}
	return api.CreateEmployee201JSONResponse{Success: true, Message: textEmployeeCreated, Data: userSummary(added)}, nil
}

// UpdateUser changes what the request names.
func (a *API) UpdateUser(ctx context.Context, r api.UpdateUserRequestObject) (api.UpdateUserResponseObject, error) {
	change := db.UpdateUserParams{
		ID: r.ID, Role: (*string)(r.Body.Role), IsVerified: r.Body.IsVerified, FirstName: r.Body.FirstName, LastName: r.Body.LastName,
	}
	demotes := r.Body.Role != nil && *r.Body.Role != api.RoleADMIN
	if demotes && r.ID == login.CallerOf(ctx).ID {
		return nil, errDemoteSelf
	}
	var changed db.User
	err := a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if demotes {
			if err := remainAdmin(ctx, q); err != nil {
				return err
			}
		}
		var err error
		changed, err = q.UpdateUser(ctx, change)
		return pg.IfNoRows(err, errNoUser)
	})
	if err != nil {
		return nil, err
	}
	return api.UpdateUser200JSONResponse{Success: true, Message: textUserUpdated, Data: sessionUser(changed)}, nil
}

// DeleteUser deletes an account with all that belongs to it.
func (a *API) DeleteUser(ctx context.Context, r api.DeleteUserRequestObject) (api.DeleteUserResponseObject, error) {
	if r.ID == login.CallerOf(ctx).ID {
		return nil, errDeleteSelf
	}
	err := a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := remainAdmin(ctx, q); err != nil {
			return err
		}
		_, err := q.DeleteUser(ctx, r.ID)
		return pg.IfNoRows(err, errNoUser)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteUser200JSONResponse{Success: true, Message: textUserDeleted}, nil
}

// remainAdmin holds all administrators until the transaction ends, and refuses a caller who is none of them any more. Who
// removes another one has thereby made sure that one remains.
func remainAdmin(ctx context.Context, q *db.Queries) error {
	admins, err := q.LockAdmins(ctx)
	if err == nil && !slices.Contains(admins, login.CallerOf(ctx).ID) {
		err = errForbidden
	}
	return err
}

// ListTickets answers a page of all tickets, newest first.
func (a *API) ListTickets(ctx context.Context, r api.ListTicketsRequestObject) (api.ListTicketsResponseObject, error) {
	rows, place, err := a.listTickets(ctx, page.Window{Page: r.Params.Page, Limit: r.Params.Limit}, r.Params.UserID, r.Params.Status)
	if err != nil {
		return nil, err
	}
	return api.ListTickets200JSONResponse{Success: true, Data: api.TicketsPage{
		Tickets: convertAll(rows, listedTicket), Pagination: place,
	}}, nil
}

// IssueCodes creates fresh codes: all of those asked for, or none.
func (a *API) IssueCodes(ctx context.Context, r api.IssueCodesRequestObject) (api.IssueCodesResponseObject, error) {
	codes, err := a.issueChunk(ctx, int(r.Body.Count))
	if err != nil {
		return nil, err
	}
	return api.IssueCodes200JSONResponse{Success: true, Message: textCodesIssued, Data: api.IssuedCodes{
		Count: r.Body.Count, Codes: codes,
	}}, nil
}
