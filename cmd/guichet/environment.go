package main

import "strings"

// variable documents one environment variable in the help.
type variable struct{ name, fallback, text string }

// topic is a group of variables in the help.
type topic struct {
	title     string
	variables []variable
}

// environment lists every variable that readSettings reads, as the help shows them.
func environment(systems []system) []topic {
	addresses := []variable{{"GUICHET_PORTAL_ADDR", defaultPortalAddr, "where the portal listens; port 0 takes a free one"}}
	for _, s := range systems {
		addresses = append(addresses, variable{s.variable("ADDR"), s.addr, "where " + s.title + " listens"})
	}
	for _, s := range systems {
		addresses = append(addresses, variable{s.variable("PUBLIC_URL"), "its own address", "where clients reach " + s.title})
	}
	var own []topic
	for _, s := range systems {
		if len(s.own.variables) > 0 {
			own = append(own, topic{s.title, s.own.variables})
		}
	}
	return append([]topic{
		{"Addresses", addresses},
		{"State and database", []variable{
			{"GUICHET_STATE_DIR", "~/.local/state/guichet, for root /var/lib/guichet", "data, generated secret, mails"},
			{"DATABASE_URL", "embedded", "a PostgreSQL to use instead of the embedded one; needs GUICHET_SECRET"},
			{"GUICHET_DB_MAX_CONNS", "40", "database connections of all pools together"},
			{"PG_BIN", "searched", "directory of the postgres and initdb to run"},
		}},
		{"Development", []variable{
			{"GUICHET_DEMO", "true if embedded", "load the demo accounts and data"},
			{"GUICHET_DEV", "true if embedded", "development: show the demo accounts, check responses"},
			{"GUICHET_CHECK", "as GUICHET_DEV", "validate every response against the contract, as --check"},
		}},
		{"Network and security", []variable{
			{"GUICHET_SECRET", "generated", "signs tokens and links, at least 32 bytes; required with DATABASE_URL"},
			{"GUICHET_TLS_CERT", "none", "certificate chain, a PEM file: every listener speaks TLS"},
			{"GUICHET_TLS_KEY", "none", "its key, a PEM file"},
			{"GUICHET_TLS_DOMAIN", "none", "obtain the certificate of this domain by ACME instead"},
			{"GUICHET_CORS_ORIGINS", "*", "origins that browsers may call from, separated by commas"},
			{"GUICHET_TRUSTED_PROXIES", "none", "networks whose X-Forwarded-For counts, separated by commas"},
			{"GUICHET_RATE_LIMITS", "the contracts'", "off, or rules such as " + exampleLimits()},
		}},
		{"Mail", []variable{
			{"SMTP_URL", "none", "smtp://user:password@host:587 or smtps://…:465; unset: .eml files under mail/ in the state directory"},
			{"GUICHET_MAIL_FROM", "none", "sender of mails, required with SMTP_URL"},
		}},
		{"Logs and time", []variable{
			{"GUICHET_LOG_LEVEL", "info", "debug, info, warn or error"},
			{"GUICHET_LOG_FORMAT", "by destination", "text or json; unset: text on a terminal, JSON elsewhere"},
			{"GUICHET_TZ", "Europe/Paris", "the time zone whose days and years statistics count"},
		}},
	}, own...)
}

// exampleLimits shows the syntax of GUICHET_RATE_LIMITS with the defaults that it replaces.
func exampleLimits() string {
	return strings.Join([]string{loginAccount + "=10/1m", loginAddress + "=60/1m"}, ",")
}
