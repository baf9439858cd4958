-- +goose Up

-- Both are trusted: the owner of the database may create them.
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

-- Who works at the desk.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email)),
    password_hash text NOT NULL,
    nom           varchar(255) NOT NULL,
    role          text COLLATE "C" NOT NULL CHECK (role IN ('admin', 'agent')),
    created_at    timestamptz NOT NULL
);
CREATE INDEX users_by_age ON users (created_at, id);

-- A token is valid while its session exists: a new password deletes all rows of the account.
CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The tables and columns of the document's schema follow, with what its rules need beside them. Words that are only ever
-- compared for equality are COLLATE "C".
CREATE TABLE clients (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    nom               varchar(255) NOT NULL,
    type              varchar(50) COLLATE "C" NOT NULL CHECK (type IN ('entreprise', 'particulier', 'collectivite')),
    email             varchar(255),
    telephone         varchar(50),
    adresse           text,
    ville             varchar(100),
    note_satisfaction numeric(2, 1) CHECK (note_satisfaction BETWEEN 0 AND 5),
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE chantiers (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    nom         varchar(255) NOT NULL,
    type        varchar(50) COLLATE "C" NOT NULL CHECK (type IN ('construction', 'renovation', 'entretien')),
    client_id   uuid REFERENCES clients (id),
    adresse     text,
    ville       varchar(100),
    coordonnees jsonb, -- {"lat", "lng"}
    statut      varchar(50) COLLATE "C" NOT NULL CHECK (statut IN ('planifie', 'en_cours', 'suspendu', 'termine')),
    date_debut  date,
    date_fin    date,
    budget      bigint CHECK (budget >= 0),
    avancement  integer NOT NULL DEFAULT 0 CHECK (avancement BETWEEN 0 AND 100),
    responsable varchar(255),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (date_debut <= date_fin)
);
CREATE INDEX chantiers_by_client ON chantiers (client_id);

-- The last number given in a year. Whoever takes the next holds the row until the transaction ends: a number is given back
-- with a rollback, and so none is ever missing.
CREATE TABLE numeros (
    annee   integer PRIMARY KEY,
    dernier bigint NOT NULL CHECK (dernier > 0)
);

-- A text as searches compare it: without accents, however these were typed, and in lower case.
-- +goose StatementBegin
CREATE FUNCTION fold(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(public.unaccent('public.unaccent'::regdictionary, normalize(t, NFC)));

-- Patterns for LIKE that find texts which contain these words.
CREATE FUNCTION containing(words text[]) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ARRAY(SELECT '%' || regexp_replace(fold(word), '([\\%_])', '\\\1', 'g') || '%' FROM unnest(words) AS word);
-- +goose StatementEnd

CREATE TABLE tickets (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    numero            varchar(50) COLLATE "C" UNIQUE NOT NULL,
    titre             varchar(255) NOT NULL,
    description       text,
    status            varchar(50) COLLATE "C" NOT NULL CHECK (status IN
        ('nouveau', 'en_cours', 'en_attente_client', 'en_attente_interne', 'escalade', 'resolu', 'clos', 'annule')),
    priority          varchar(50) COLLATE "C" NOT NULL CHECK (priority IN ('critique', 'haute', 'normale', 'basse')),
    categorie         varchar(50) COLLATE "C" NOT NULL CHECK (categorie IN ('securite', 'qualite', 'delais', 'travaux')),
    client_id         uuid REFERENCES clients (id),
    chantier_id       uuid REFERENCES chantiers (id),
    responsable       varchar(255) COLLATE "C",
    date_creation     timestamptz NOT NULL DEFAULT now(),
    date_modification timestamptz NOT NULL DEFAULT now(),
    date_limite       timestamptz NOT NULL,
    -- The threshold announced last. What is served is computed from the moments below when it is read.
    sla_status        varchar(20) COLLATE "C" NOT NULL DEFAULT 'ok' CHECK (sla_status IN ('ok', 'warning', 'breach')),
    tags              text[] NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL GENERATED ALWAYS AS (date_creation) STORED,
    updated_at        timestamptz NOT NULL GENERATED ALWAYS AS (date_modification) STORED,
    date_alerte       timestamptz NOT NULL, -- when the SLA goes from ok to warning
    date_resolution   timestamptz, -- when the SLA was frozen; null while it still runs
    sla_final         varchar(20) COLLATE "C" CHECK (sla_final IN ('ok', 'warning', 'breach')), -- as what it was frozen
    recherche         text NOT NULL GENERATED ALWAYS AS (fold(numero || ' ' || titre || coalesce(' ' || description, ''))) STORED,
    CHECK ((date_resolution IS NOT NULL) = (status IN ('resolu', 'clos', 'annule'))),
    CHECK ((sla_final IS NOT NULL) = (date_resolution IS NOT NULL))
) WITH (fillfactor = 90); -- with room in the page, what changes no column of an index touches none: a message, a threshold
-- One index for each filter of the list, in the list's order. The first also holds what the statistics of a
-- period and the lists by SLA look at, so that they read no ticket. sla_final is null where the SLA still runs.
CREATE INDEX tickets_by_age ON tickets (date_creation, id) INCLUDE (status, priority, categorie, sla_final, date_alerte, date_limite);
CREATE INDEX tickets_by_status ON tickets (status, date_creation, id);
CREATE INDEX tickets_by_priority ON tickets (priority, date_creation, id);
CREATE INDEX tickets_by_categorie ON tickets (categorie, date_creation, id);
CREATE INDEX tickets_by_client ON tickets (client_id, date_creation, id);
CREATE INDEX tickets_by_chantier ON tickets (chantier_id, date_creation, id);
CREATE INDEX tickets_by_responsable ON tickets (responsable, date_creation, id);
CREATE INDEX tickets_by_resolution ON tickets (date_resolution) WHERE status IN ('resolu', 'clos');
CREATE INDEX tickets_by_final_sla ON tickets (sla_final, date_creation, id) WHERE sla_final IS NOT NULL;
CREATE INDEX tickets_by_deadline ON tickets (date_limite) WHERE sla_final IS NULL;
CREATE INDEX tickets_by_warning ON tickets (date_alerte) WHERE sla_final IS NULL;
CREATE INDEX tickets_by_text ON tickets USING gin (recherche public.gin_trgm_ops);

CREATE TABLE messages (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id  uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    auteur     varchar(255) NOT NULL,
    contenu    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_by_ticket ON messages (ticket_id, created_at, id);

CREATE TABLE piece_jointes (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id  uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    nom        varchar(255) NOT NULL,
    type       varchar(100) NOT NULL,
    taille     integer NOT NULL CHECK (taille >= 0), -- bytes
    url        text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX piece_jointes_by_ticket ON piece_jointes (ticket_id, created_at, id);

-- The attachments that a message shows, in its order.
CREATE TABLE message_piece_jointes (
    message_id      uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    piece_jointe_id uuid NOT NULL REFERENCES piece_jointes (id) ON DELETE CASCADE,
    rang            integer NOT NULL,
    PRIMARY KEY (message_id, rang),
    UNIQUE (piece_jointe_id, message_id)
);

CREATE TABLE historique (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id   uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    action      varchar(100) NOT NULL,
    description text,
    auteur      varchar(255) NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX historique_by_ticket ON historique (ticket_id, created_at, id);

-- A ticket with what is shown of its client, chantier, messages and attachments.
CREATE VIEW ticket_details AS
SELECT t.id, t.numero, t.titre, t.description, t.status, t.priority, t.categorie, t.responsable, t.date_creation, t.date_modification,
       t.date_limite, t.date_resolution, t.tags,
       t.client_id, c.nom AS client_nom, c.type AS client_type, c.email AS client_email, c.telephone AS client_telephone,
       t.chantier_id, s.nom AS chantier_nom, s.type AS chantier_type, s.adresse AS chantier_adresse, s.ville AS chantier_ville,
       (SELECT count(*) FROM messages m WHERE m.ticket_id = t.id) AS nb_messages,
       (SELECT count(*) FROM piece_jointes p WHERE p.ticket_id = t.id) AS nb_piece_jointes
FROM tickets t LEFT JOIN clients c ON c.id = t.client_id LEFT JOIN chantiers s ON s.id = t.chantier_id;

-- How many tickets there are of each kind; sla_final is '' for those whose SLA still runs. What the statistics and the totals of
-- the common lists are read from. The triggers below keep it exact for every statement, whoever sends it. They only add rows,
-- n less of the old kind and n more of the new, so that no writer waits for another; CompactTally sums them up now and then.
-- A row for each kind that sessions share out among themselves, as other systems have it, would not do: there are 640 kinds.
CREATE TABLE tally (
    status    varchar(50) COLLATE "C" NOT NULL,
    priority  varchar(50) COLLATE "C" NOT NULL,
    categorie varchar(50) COLLATE "C" NOT NULL,
    sla_final varchar(20) COLLATE "C" NOT NULL,
    n         bigint NOT NULL
);

-- How many tickets there are of each client and chantier, and how many of those are open, in the same manner.
CREATE TABLE owner_tally (
    client_id   uuid,
    chantier_id uuid,
    total       bigint NOT NULL,
    ouverts     bigint NOT NULL
);

-- The functions find the tables whatever the search_path of who changes a ticket: psql's, or a restore's, is not the system's.
-- +goose StatementBegin
CREATE FUNCTION tally_added() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO tally SELECT status, priority, categorie, coalesce(sla_final, ''), count(*) FROM added GROUP BY 1, 2, 3, 4;
    INSERT INTO owner_tally SELECT client_id, chantier_id, count(*), count(*) - count(sla_final) FROM added GROUP BY 1, 2;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO tally SELECT status, priority, categorie, coalesce(sla_final, ''), -count(*) FROM removed GROUP BY 1, 2, 3, 4;
    INSERT INTO owner_tally SELECT client_id, chantier_id, -count(*), count(sla_final) - count(*) FROM removed GROUP BY 1, 2;
    RETURN NULL;
END $$;

CREATE FUNCTION tally_moved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO tally VALUES (OLD.status, OLD.priority, OLD.categorie, coalesce(OLD.sla_final, ''), -1),
                             (NEW.status, NEW.priority, NEW.categorie, coalesce(NEW.sla_final, ''), 1);
    RETURN NULL;
END $$;

CREATE FUNCTION tally_owner_moved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO owner_tally VALUES (OLD.client_id, OLD.chantier_id, -1, -(OLD.sla_final IS NULL)::integer),
                                   (NEW.client_id, NEW.chantier_id, 1, (NEW.sla_final IS NULL)::integer);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER tally_insert AFTER INSERT ON tickets
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tally_added();
CREATE TRIGGER tally_delete AFTER DELETE ON tickets
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION tally_removed();
-- Most changes of a ticket move it in no counter, and run neither of these.
CREATE TRIGGER tally_update AFTER UPDATE ON tickets FOR EACH ROW
    WHEN ((OLD.status, OLD.priority, OLD.categorie, OLD.sla_final) IS DISTINCT FROM (NEW.status, NEW.priority, NEW.categorie, NEW.sla_final))
    EXECUTE FUNCTION tally_moved();
CREATE TRIGGER tally_update_owner AFTER UPDATE ON tickets FOR EACH ROW
    WHEN ((OLD.client_id, OLD.chantier_id, OLD.sla_final IS NULL) IS DISTINCT FROM (NEW.client_id, NEW.chantier_id, NEW.sla_final IS NULL))
    EXECUTE FUNCTION tally_owner_moved();

-- +goose Down
DROP VIEW ticket_details;
DROP TABLE tally, owner_tally, historique, message_piece_jointes, piece_jointes, messages, tickets, numeros, chantiers, clients, sessions, users;
DROP FUNCTION tally_added, tally_removed, tally_moved, tally_owner_moved, containing, fold;
