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
		case 426:
			return "Connexion WebSocket attendue"
		case 503:
			return "Service momentanément indisponible"
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
	case 426:
		return "WebSocket handshake expected"
	case 503:
		return "Temporarily unavailable"
	}
	return "Unsupported content type"
}

// ruleText is what is said of a value that breaks a rule of the request. Like the sentences of schemas, some of which it
// borrows, it follows the name of the field.
func ruleText(lang, rule string) string {
	switch rule {
	case "required":
		return sentence(lang, ruleRequired, detail{})
	case "duplicate":
		return sentence(lang, ruleDuplicate, detail{})
	case "utf8":
		return sentence(lang, ruleUTF8, detail{})
	case "nul":
		return sentence(lang, ruleNUL, detail{})
	case "encoding":
		if lang == "fr" {
			return "est mal encodé"
		}
		return "is badly encoded"
	case "incomplete":
		if lang == "fr" {
			return "est incomplet"
		}
		return "is incomplete"
	}
	if lang == "fr" {
		return "n'est pas du bon type"
	}
	return "is of the wrong type"
}
