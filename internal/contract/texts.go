package contract

// statusText is the general sentence of a refusal.
func statusText(lang string, status int) string {
	if lang == "fr" {
		switch status {
		case 400:
			return "Requête invalide"
		case 401:
			return "Authentification requise"
		case 403:
			return "Accès refusé"
		case 404:
			return "Route inconnue"
		case 405:
			return "Méthode non autorisée"
		case 413:
			return "Corps de requête trop volumineux"
		case 415:
			return "Type de contenu non pris en charge"
		}
	}
	switch status {
	case 400:
		return "Invalid request"
	case 401:
		return "Authentication required"
	case 403:
		return "Access denied"
	case 404:
		return "Unknown route"
	case 405:
		return "Method not allowed"
	case 413:
		return "Request body too large"
	}
	return "Unsupported content type"
}

// ruleText is what is said of a value that breaks a rule of the request, not of a schema. Like the sentences of schemas it
// follows the name of the field.
func ruleText(lang, rule string) string {
	if lang == "fr" {
		switch rule {
		case "required":
			return "est obligatoire"
		case "repeated":
			return "ne peut être donné qu'une fois"
		case "encoding":
			return "est mal encodé"
		case "utf8":
			return "doit être de l'UTF-8 valide"
		case "nul":
			return "ne peut pas contenir de caractère nul"
		case "incomplete":
			return "est incomplet"
		}
		return "n'est pas du bon type"
	}
	switch rule {
	case "required":
		return "is required"
	case "repeated":
		return "can be given only once"
	case "encoding":
		return "is badly encoded"
	case "utf8":
		return "must be valid UTF-8"
	case "nul":
		return "cannot contain a NUL character"
	case "incomplete":
		return "is incomplete"
	}
	return "is of the wrong type"
}
