package tickets

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/oapi-codegen/nullable"
	"github.com/oapi-codegen/runtime/types"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/contract/stdjson"
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
	return api.Pagination{Total: total, Page: w.Page, Limit: w.Limit, Pages: w.Pages(total)}
}

func sessionUser(u db.User) api.User {
	return api.User{ID: u.ID, Nom: u.Nom, Email: u.Email, Role: api.Role(u.Role)}
}

// listedTicket shows a ticket as it stands now.
func listedTicket(t db.TicketDetail, now time.Time) api.Ticket {
	return api.Ticket{
		ID: t.ID, Numero: t.Numero, Titre: t.Titre, Description: t.Description, Status: api.Status(t.Status), Priority: api.Priority(t.Priority),
		Categorie: api.Categorie(t.Categorie), ClientID: t.ClientID, ClientNom: t.ClientNom, ChantierID: t.ChantierID, ChantierNom: t.ChantierNom,
		Responsable: t.Responsable, DateCreation: t.DateCreation, DateModification: t.DateModification, DateLimite: t.DateLimite,
		SLAStatus: slaStatus(t.DateCreation, t.DateLimite, slaMoment(t.DateResolution, now)), Tags: t.Tags,
		NbMessages: t.NbMessages, NbPieceJointes: t.NbPieceJointes,
	}
}

// ticketDetail shows a ticket with all that belongs to it, as it stands now.
func ticketDetail(d detail, now time.Time) api.TicketDetail {
	t := d.ticket
	at := slaMoment(t.DateResolution, now)
	shown := api.TicketDetail{
		ID: t.ID, Numero: t.Numero, Titre: t.Titre, Description: t.Description, Status: api.Status(t.Status), Priority: api.Priority(t.Priority),
		Categorie: api.Categorie(t.Categorie), Responsable: t.Responsable, DateCreation: t.DateCreation, DateModification: t.DateModification,
		DateLimite: t.DateLimite, SLAStatus: slaStatus(t.DateCreation, t.DateLimite, at), SLADetails: slaDetails(t.DateCreation, t.DateLimite, at),
		Tags: t.Tags, Messages: d.messages, PieceJointes: convertAll(d.pieceJointes, pieceJointe), Historique: convertAll(d.historique, historyEntry),
	}
	if t.ClientID != nil {
		shown.Client = &api.TicketClient{
			ID: *t.ClientID, Nom: *t.ClientNom, Type: api.ClientType(*t.ClientType), Email: t.ClientEmail, Telephone: t.ClientTelephone,
		}
	}
	if t.ChantierID != nil {
		shown.Chantier = &api.TicketChantier{
			ID: *t.ChantierID, Nom: *t.ChantierNom, Type: api.ChantierType(*t.ChantierType), Adresse: t.ChantierAdresse, Ville: t.ChantierVille,
		}
	}
	return shown
}

func historyEntry(row db.ListHistoriqueRow) api.HistoriqueEntry {
	return api.HistoriqueEntry{ID: row.ID, Action: row.Action, Description: row.Description, Auteur: row.Auteur, Date: row.CreatedAt}
}

// message shows a message without its attachments yet.
func message(row db.ListAllMessagesRow) api.Message {
	return api.Message{ID: row.ID, Auteur: row.Auteur, Contenu: row.Contenu, Date: row.CreatedAt, PieceJointes: []api.PieceJointe{}}
}

func pageMessage(row db.ListMessagesRow) api.Message { return message(db.ListAllMessagesRow(row)) }

func pieceJointe(row db.ListPieceJointesRow) api.PieceJointe {
	return api.PieceJointe{ID: row.ID, Nom: row.Nom, Type: row.Type, Taille: int64(row.Taille), URL: row.Url, DateUpload: row.CreatedAt}
}

func messagePieceJointe(row db.ListPieceJointesOfMessagesRow) api.PieceJointe {
	return api.PieceJointe{ID: row.ID, Nom: row.Nom, Type: row.Type, Taille: int64(row.Taille), URL: row.Url, DateUpload: row.CreatedAt}
}

func client(row db.ListClientsRow) api.Client {
	return api.Client{
		ID: row.ID, Nom: row.Nom, Type: api.ClientType(row.Type), Email: row.Email, Telephone: row.Telephone, Adresse: row.Adresse, Ville: row.Ville,
		NbTickets: row.NbTickets, NbTicketsOuverts: row.NbTicketsOuverts, NbChantiers: row.NbChantiers, ChiffreAffaires: row.ChiffreAffaires,
		NoteSatisfaction: row.NoteSatisfaction,
	}
}

func chantier(row db.ListChantiersRow) (api.Chantier, error) {
	where, err := shownCoordonnees(row.Coordonnees)
	if err != nil {
		return api.Chantier{}, fmt.Errorf("chantier %s: %w", row.ID, err)
	}
	return api.Chantier{
		ID: row.ID, Nom: row.Nom, Type: api.ChantierType(row.Type), ClientID: row.ClientID, ClientNom: row.ClientNom, Adresse: row.Adresse,
		Ville: row.Ville, Coordonnees: where, Statut: api.ChantierStatut(row.Statut), DateDebut: shownDate(row.DateDebut),
		DateFin: shownDate(row.DateFin), Budget: row.Budget, Avancement: row.Avancement, Responsable: row.Responsable,
		NbTickets: row.NbTickets, NbTicketsOuverts: row.NbTicketsOuverts,
	}, nil
}

func shownCoordonnees(stored []byte) (*api.Coordonnees, error) {
	if stored == nil {
		return nil, nil
	}
	var where api.Coordonnees
	err := stdjson.Unmarshal(stored, &where)
	return &where, err
}

func storedCoordonnees(where *api.Coordonnees) ([]byte, error) {
	if where == nil {
		return nil, nil
	}
	return stdjson.Marshal(where)
}

func shownDate(stored pgtype.Date) *types.Date {
	if !stored.Valid {
		return nil
	}
	return &types.Date{Time: stored.Time}
}

func storedDate(date *types.Date) pgtype.Date {
	if date == nil {
		return pgtype.Date{}
	}
	return pgtype.Date{Time: date.Time, Valid: true}
}

// orNil is a field's value, nil when it is null or absent.
func orNil(field nullable.Nullable[string]) *string {
	value, err := field.Get()
	if err != nil {
		return nil
	}
	return &value
}
