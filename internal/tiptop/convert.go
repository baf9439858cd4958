package tiptop

import (
	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/page"
)

// Rows of the database as the contract shows them. Each shape of the contract has its own conversion, because each route of
// the document shows other fields.

// convertAll converts a list.
func convertAll[Row, Model any](rows []Row, convert func(Row) Model) []Model {
	models := make([]Model, len(rows))
	for i, row := range rows {
		models[i] = convert(row)
	}
	return models
}

// pagination is a page's place in a list of total rows.
func pagination(w page.Window, total int64) api.Pagination {
	return api.Pagination{Total: total, Page: w.Page, Limit: w.Limit, TotalPages: w.Pages(total)}
}

func userSummary(u db.User) api.UserSummary {
	return api.UserSummary{ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: api.Role(u.Role)}
}

func sessionUser(u db.User) api.SessionUser {
	return api.SessionUser{
		ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: api.Role(u.Role), IsVerified: u.IsVerified,
	}
}

func listedUser(u db.User) api.ListedUser {
	return api.ListedUser{
		ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: api.Role(u.Role), IsVerified: u.IsVerified,
		CreatedAt: u.CreatedAt,
	}
}

func profile(u db.User) api.Profile {
	return api.Profile{
		ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Phone: u.Phone, Address: u.Address, City: u.City,
		PostalCode: u.PostalCode, Role: api.Role(u.Role), IsVerified: u.IsVerified, CreatedAt: u.CreatedAt,
	}
}

func updatedProfile(u db.User) api.UpdatedProfile {
	return api.UpdatedProfile{
		ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Phone: u.Phone, Address: u.Address, City: u.City,
		PostalCode: u.PostalCode, Role: api.Role(u.Role),
	}
}

func wonPrize(p db.ListDrawablePrizesRow) api.WonPrize {
	return api.WonPrize{
		ID: p.ID, Type: api.PrizeType(p.Type), Name: p.Name, Description: p.Description, Value: formatAmount(p.ValueCents),
	}
}

func myTicket(t db.TicketDetail) api.MyTicket {
	return api.MyTicket{
		ID: t.ID, Code: t.Code, Status: api.TicketStatus(t.Status), PlayedAt: t.PlayedAt, ClaimedAt: t.ClaimedAt,
		ValidatedAt: t.ValidatedAt, RejectionReason: t.RejectionReason,
		Prize: api.WonPrize{
			ID: t.PrizeID, Type: api.PrizeType(t.PrizeType), Name: t.PrizeName, Description: t.PrizeDescription,
			Value: formatAmount(t.ValueCents),
		},
	}
}

func pendingTicket(t db.TicketDetail) api.PendingTicket {
	return api.PendingTicket{
		ID: t.ID, Code: t.Code, Status: api.TicketStatus(t.Status), PlayedAt: t.PlayedAt, User: player(t), Prize: prizeSummary(t),
	}
}

func listedTicket(t db.TicketDetail) api.ListedTicket {
	return api.ListedTicket{
		ID: t.ID, Code: t.Code, Status: api.TicketStatus(t.Status), PlayedAt: t.PlayedAt, ValidatedAt: t.ValidatedAt,
		ClaimedAt: t.ClaimedAt, User: player(t), Prize: prizeSummary(t),
	}
}

func foundTicket(t db.TicketDetail) api.FoundTicket {
	return api.FoundTicket{
		ID: t.ID, Code: t.Code, Status: api.TicketStatus(t.Status), PlayedAt: t.PlayedAt,
		User:  api.FoundPlayer{Email: t.Email, FirstName: t.FirstName, LastName: t.LastName},
		Prize: api.FoundPrize{Name: t.PrizeName, Type: api.PrizeType(t.PrizeType)},
	}
}

func validatedTicket(t db.Ticket) api.ValidatedTicket {
	return api.ValidatedTicket{ID: t.ID, Code: t.Code, Status: api.TicketStatus(t.Status), ValidatedAt: t.ValidatedAt}
}

func player(t db.TicketDetail) api.Player {
	return api.Player{ID: t.UserID, Email: t.Email, FirstName: t.FirstName, LastName: t.LastName}
}

func prizeSummary(t db.TicketDetail) api.PrizeSummary {
	return api.PrizeSummary{ID: t.PrizeID, Name: t.PrizeName, Type: api.PrizeType(t.PrizeType), Value: formatAmount(t.ValueCents)}
}

func listedPrize(row db.ListPrizesRow) api.Prize {
	p := row.Prize
	return api.Prize{
		ID: p.ID, Type: api.PrizeType(p.Type), Name: p.Name, Description: p.Description, Value: formatAmount(p.ValueCents),
		Probability: p.Probability, Stock: row.Stock, InitialStock: p.InitialStock, IsActive: p.IsActive, CreatedAt: p.CreatedAt,
	}
}

func createdPrize(p db.Prize) api.CreatedPrize {
	return api.CreatedPrize{
		ID: p.ID, Type: api.PrizeType(p.Type), Name: p.Name, Description: p.Description, Value: formatAmount(p.ValueCents),
		Probability: p.Probability, Stock: p.InitialStock, InitialStock: p.InitialStock, IsActive: p.IsActive,
	}
}

func updatedPrize(p db.Prize, stock int32) api.UpdatedPrize {
	return api.UpdatedPrize{
		ID: p.ID, Name: p.Name, Description: p.Description, Value: formatAmount(p.ValueCents), Probability: p.Probability,
		Stock: stock, IsActive: p.IsActive,
	}
}

func statistics(row db.GetStatisticsRow) api.Statistics {
	t := row.Total
	return api.Statistics{
		Users: api.UserStatistics{
			Total: userTotal(t), Clients: t.UsersClient, Employees: t.UsersEmployee, Admins: t.UsersAdmin,
			VerifiedEmails: t.UsersVerified,
		},
		Tickets: api.TicketStatistics{
			Total: ticketTotal(t), Pending: t.TicketsPending, Validated: t.TicketsValidated + t.TicketsClaimed,
			Rejected: t.TicketsRejected, Claimed: t.TicketsClaimed,
		},
		Prizes: api.PrizeStatistics{
			Total: row.Prizes, Active: row.Active, TotalStock: row.Stock, Distributed: ticketTotal(t) - t.TicketsRejected,
		},
	}
}

// userTotal is how many users there are.
func userTotal(t db.Total) int64 { return t.UsersClient + t.UsersEmployee + t.UsersAdmin }

// usersOf is how many users have a role.
func usersOf(t db.Total, role api.Role) int64 {
	switch role {
	case api.RoleCLIENT:
		return t.UsersClient
	case api.RoleEMPLOYEE:
		return t.UsersEmployee
	}
	return t.UsersAdmin
}

// ticketTotal is how many tickets there are.
func ticketTotal(t db.Total) int64 {
	return t.TicketsPending + t.TicketsValidated + t.TicketsRejected + t.TicketsClaimed
}

// ticketsIn is how many tickets are in a state.
func ticketsIn(t db.Total, status api.TicketStatus) int64 {
	switch status {
	case api.TicketStatusPENDING:
		return t.TicketsPending
	case api.TicketStatusVALIDATED:
		return t.TicketsValidated
	case api.TicketStatusREJECTED:
		return t.TicketsRejected
	}
	return t.TicketsClaimed
}
