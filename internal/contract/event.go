package contract

import "slices"

// Check validates the payload of an event or command and returns an *Error (status 400) that lists what is wrong, nil if
// nothing is. lang is the language of the messages ("fr", "en"; "" leaves it to the compiler).
func (p *Program) Check(payload []byte, lang string) error {
	report := AcquireReport(InBody, "", lang)
	defer report.Release()
	if p.Validate(payload, report) {
		return nil
	}
	if lang == "" {
		lang = p.lang
	}
	return &Error{Status: 400, Message: statusText(lang, 400), Violations: report.Violations()}
}

// Allow compares a peer's role with the roles that an operation is for (x-roles): nil, or an *Error with status 401 for a
// peer without a role and 403 for one with another role.
func Allow(role, lang string, roles ...string) error {
	switch {
	case slices.Contains(roles, role):
		return nil
	case role == "":
		return &Error{Status: 401, Message: statusText(lang, 401)}
	}
	return &Error{Status: 403, Message: statusText(lang, 403)}
}

// Limit is n as an upper limit of a Schema.
func Limit(n uint64) *uint64 { return &n }

// Values are JSON values for a Schema's Enum.
func Values(json ...string) [][]byte {
	values := make([][]byte, len(json))
	for i, value := range json {
		values[i] = []byte(value)
	}
	return values
}
