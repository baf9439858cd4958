package contract

import (
	"strconv"
	"strings"
)

// french is the French catalogue.
func french(k rule, d detail) string {
	switch k {
	case ruleSyntax:
		return "n'est pas du JSON valide (à l'octet " + strconv.FormatUint(d.count, 10) + ")"
	case ruleUTF8:
		return "contient de l'UTF-8 invalide"
	case ruleNUL:
		return "ne doit pas contenir le caractère NUL"
	case ruleDepth:
		return "est imbriqué trop profondément (plus de " + strconv.FormatUint(d.count, 10) + " niveaux)"
	case ruleComplexity:
		return "est trop complexe pour être vérifié"
	case ruleDuplicate:
		return "est donné plusieurs fois"
	case ruleRange:
		return "est un nombre trop grand ou trop précis"
	case ruleType:
		return frenchType(d)
	case ruleFormat:
		return frenchFormat(d.text)
	case ruleEnum:
		return "doit être l'une des valeurs suivantes : " + d.text
	case ruleConst:
		return "doit valoir " + d.text
	case rulePattern:
		return "n'a pas la forme attendue (" + d.text + ")"
	case ruleMinLength:
		return "doit contenir au moins " + frenchCount(d.count, "caractère", "caractères")
	case ruleMaxLength:
		return "doit contenir au plus " + frenchCount(d.count, "caractère", "caractères")
	case ruleMinimum:
		return "doit être supérieur ou égal à " + frenchNumber(d.text)
	case ruleMaximum:
		return "doit être inférieur ou égal à " + frenchNumber(d.text)
	case ruleExclusiveMinimum:
		return "doit être strictement supérieur à " + frenchNumber(d.text)
	case ruleExclusiveMaximum:
		return "doit être strictement inférieur à " + frenchNumber(d.text)
	case ruleMultipleOf:
		return "doit être un multiple de " + frenchNumber(d.text)
	}
	return frenchStructure(k, d)
}

// frenchStructure is the part of the catalogue for arrays, objects and combinations.
func frenchStructure(k rule, d detail) string {
	switch k {
	case ruleMinItems:
		return "doit contenir au moins " + frenchCount(d.count, "élément", "éléments")
	case ruleMaxItems:
		return "doit contenir au plus " + frenchCount(d.count, "élément", "éléments")
	case ruleUniqueItems:
		return "ne doit pas contenir deux fois le même élément"
	case ruleMinProperties:
		return "doit contenir au moins " + frenchCount(d.count, "champ", "champs")
	case ruleMaxProperties:
		return "doit contenir au plus " + frenchCount(d.count, "champ", "champs")
	case ruleRequired:
		return "est obligatoire"
	case ruleUnknown, ruleAdditional:
		return "n'est pas un champ connu"
	case ruleReadOnly:
		return "est en lecture seule"
	case ruleEquals:
		return "doit être identique à " + d.text
	case ruleNot:
		return "a une forme qui n'est pas autorisée"
	case ruleOneOf:
		return "correspond à plusieurs des formes possibles"
	}
	return "doit être l'une des valeurs suivantes : " + d.text // ruleDiscriminator
}

func frenchType(d detail) string {
	if d.found == Null {
		return "ne doit pas être null"
	}
	names := kindNames(d.kinds, [6]string{"une chaîne de caractères", "un nombre", "un entier", "un booléen", "un tableau", "un objet"})
	switch {
	case len(names) == 0:
		return "doit être null"
	case d.kinds&(Number|Integer) == Integer && d.found == Number:
		return "doit être un entier, écrit sans décimales ni exposant"
	}
	return "doit être " + join(names, "ou")
}

func frenchFormat(name string) string {
	switch name {
	case formatInt32, formatInt64:
		return "est un entier trop grand ou trop petit"
	case formatFloat:
		return "est un nombre trop grand ou trop précis"
	case formatByte:
		return "doit être un texte en base64"
	case formatDate:
		return "doit être une date (AAAA-MM-JJ)"
	case formatDateTime:
		return "doit être une date avec l'heure (RFC 3339, par exemple 2025-01-31T09:30:00Z)"
	case formatTime:
		return "doit être une heure (RFC 3339, par exemple 09:30:00Z)"
	case formatUUID:
		return "doit être un UUID"
	case formatEmail:
		return "doit être une adresse e-mail"
	case formatURI:
		return "doit être un URI absolu"
	case formatURIReference:
		return "doit être un URI ou une référence relative"
	case formatHostname:
		return "doit être un nom d'hôte"
	case formatIPv4:
		return "doit être une adresse IPv4"
	}
	return "doit être une adresse IPv6" // formatIPv6
}

// frenchCount writes 0 and 1 with the singular, as French does.
func frenchCount(n uint64, one, many string) string {
	if n < 2 {
		return strconv.FormatUint(n, 10) + " " + one
	}
	return strconv.FormatUint(n, 10) + " " + many
}

// frenchNumber writes a decimal with a comma.
func frenchNumber(text string) string { return strings.Replace(text, ".", ",", 1) }
