package contract

import "bytes"

// The formats that are checked. double, binary and password are known too and ask nothing that can be checked.
const (
	formatInt32        = "int32"
	formatInt64        = "int64"
	formatFloat        = "float"
	formatByte         = "byte"          // RFC 4648 base64 with padding
	formatDate         = "date"          // RFC 3339 full-date, a day that exists
	formatDateTime     = "date-time"     // RFC 3339, what Go's time.Time decodes: upper case T and Z, no leap second
	formatTime         = "time"          // RFC 3339 full-time
	formatUUID         = "uuid"          // RFC 9562, 36 characters
	formatEmail        = "email"         // RFC 5321 mailbox without quotes: dot-atom@hostname
	formatURI          = "uri"           // RFC 3986 with a scheme
	formatURIReference = "uri-reference" // RFC 3986
	formatHostname     = "hostname"      // RFC 1123
	formatIPv4         = "ipv4"
	formatIPv6         = "ipv6" // without a zone
)

// textFormat is a format of strings.
type textFormat struct {
	name  string
	valid func(text []byte) bool
}

// textFormatNamed returns the format that a string schema names. It is nil, true for one that asks nothing.
func textFormatNamed(name string) (*textFormat, bool) {
	var valid func([]byte) bool
	switch name {
	case "binary", "password":
		return nil, true
	case formatByte:
		valid = isBase64
	case formatDate:
		valid = isDate
	case formatDateTime:
		valid = isDateTime
	case formatTime:
		valid = isTime
	case formatUUID:
		valid = isUUID
	case formatEmail:
		valid = isEmail
	case formatURI:
		valid = func(s []byte) bool { return uriScheme(s) > 0 && isURIReference(s) }
	case formatURIReference:
		valid = isURIReference
	case formatHostname:
		valid = isHostname
	case formatIPv4:
		valid = isIPv4
	case formatIPv6:
		valid = isIPv6
	default:
		return nil, false
	}
	return &textFormat{name, valid}, true
}

func isBase64(s []byte) bool {
	if len(s)%4 != 0 {
		return false
	}
	body := bytes.TrimSuffix(s, []byte("="))
	if len(body) < len(s) {
		body = bytes.TrimSuffix(body, []byte("="))
	}
	for _, c := range body {
		if base64Digit(c) < 0 {
			return false
		}
	}
	switch len(s) - len(body) { // the bits that the padding cuts off must be zero
	case 1:
		return base64Digit(body[len(body)-1])&3 == 0
	case 2:
		return base64Digit(body[len(body)-1])&15 == 0
	}
	return true
}

func base64Digit(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case isDigit(c):
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// number2 reads two digits, -1 if they are none.
func number2(s []byte) int {
	if !isDigit(s[0]) || !isDigit(s[1]) {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

func isDate(s []byte) bool {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return false
	}
	century, years, month, day := number2(s), number2(s[2:]), number2(s[5:]), number2(s[8:])
	if century < 0 || years < 0 || month < 1 || month > 12 || day < 1 {
		return false
	}
	year := century*100 + years
	days := 31
	switch month {
	case 4, 6, 9, 11:
		days = 30
	case 2:
		days = 28
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			days = 29
		}
	}
	return day <= days
}

func isDateTime(s []byte) bool {
	return len(s) > 10 && isDate(s[:10]) && s[10] == 'T' && isTime(s[11:])
}

func isTime(s []byte) bool {
	if len(s) < len("15:04:05Z") || s[2] != ':' || s[5] != ':' {
		return false
	}
	h, m, sec := number2(s), number2(s[3:]), number2(s[6:])
	if h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 59 {
		return false
	}
	s = s[8:]
	if s[0] == '.' {
		end := digitsEnd(s, 1)
		if end == 1 {
			return false
		}
		s = s[end:]
	}
	if len(s) == 1 {
		return s[0] == 'Z'
	}
	if len(s) != len("+01:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return false
	}
	h, m = number2(s[1:]), number2(s[4:])
	return h >= 0 && h <= 23 && m >= 0 && m <= 59
}

func isUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !isHex(c) {
				return false
			}
		}
	}
	return true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isEmail(s []byte) bool {
	at := bytes.IndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 || !isHostname(s[at+1:]) {
		return false
	}
	dot := true // the last character was a dot, or there is none
	for _, c := range s[:at] {
		if c == '.' && dot {
			return false
		}
		if dot = c == '.'; !dot && !isLetter(c) && !isDigit(c) && bytes.IndexByte([]byte("!#$%&'*+-/=?^_`{|}~"), c) < 0 {
			return false
		}
	}
	return !dot
}

func isHostname(s []byte) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	label := 0 // length of the current label
	for i, c := range s {
		switch {
		case c == '.':
			if label == 0 || label > 63 || s[i-1] == '-' {
				return false
			}
			label = -1
		case c == '-' && label == 0, c != '-' && !isLetter(c) && !isDigit(c):
			return false
		}
		label++
	}
	return label > 0 && label <= 63 && s[len(s)-1] != '-'
}

// isIPv4 checks four decimal numbers up to 255, without leading zeros.
func isIPv4(s []byte) bool {
	for part := range 4 {
		n := digitsEnd(s, 0)
		if n == 0 || n > 3 || n > 1 && s[0] == '0' {
			return false
		}
		value := 0
		for _, c := range s[:n] {
			value = value*10 + int(c-'0')
		}
		if value > 255 {
			return false
		}
		s = s[n:]
		if part < 3 {
			if len(s) == 0 || s[0] != '.' {
				return false
			}
			s = s[1:]
		}
	}
	return len(s) == 0
}

// isIPv6 checks RFC 4291's text form: eight groups, :: for one or more that are zero, the last two perhaps as IPv4.
func isIPv6(s []byte) bool {
	groups, compressed := 0, false
	if bytes.HasPrefix(s, []byte("::")) {
		compressed = true
		s = s[2:]
	}
	for len(s) > 0 {
		if groups <= 6 && isIPv4(s) {
			groups, s = groups+2, nil
			break
		}
		n := 0
		for n < len(s) && isHex(s[n]) {
			n++
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		if s = s[n:]; len(s) == 0 {
			break
		}
		if s[0] != ':' || len(s) == 1 {
			return false
		}
		if s = s[1:]; s[0] == ':' {
			if compressed {
				return false
			}
			compressed = true
			s = s[1:]
		}
	}
	return groups == 8 || compressed && groups < 8
}

// uriScheme is the length of the scheme and its colon at the start of s, 0 if there is none.
func uriScheme(s []byte) int {
	for i, c := range s {
		switch {
		case isLetter(c), i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		case c == ':' && i > 0:
			return i + 1
		default:
			return 0
		}
	}
	return 0
}

// isURIReference checks RFC 3986's grammar but for the inside of an IP literal.
func isURIReference(s []byte) bool {
	n := uriScheme(s)
	rest := s[n:]
	if fragment := bytes.IndexByte(rest, '#'); fragment >= 0 {
		if !isURIText(rest[fragment+1:], "/?:@") {
			return false
		}
		rest = rest[:fragment]
	}
	if query := bytes.IndexByte(rest, '?'); query >= 0 {
		if !isURIText(rest[query+1:], "/?:@") {
			return false
		}
		rest = rest[:query]
	}
	if authority, ok := bytes.CutPrefix(rest, []byte("//")); ok {
		path := bytes.IndexByte(authority, '/')
		if path < 0 {
			path = len(authority)
		}
		if !isAuthority(authority[:path]) {
			return false
		}
		rest = authority[path:]
	} else if n == 0 {
		first, _, _ := bytes.Cut(rest, []byte("/"))
		if bytes.IndexByte(first, ':') >= 0 {
			return false // it would read as a scheme
		}
	}
	return isURIText(rest, "/:@")
}

func isAuthority(s []byte) bool {
	if at := bytes.LastIndexByte(s, '@'); at >= 0 {
		if !isURIText(s[:at], ":") {
			return false
		}
		s = s[at+1:]
	}
	if len(s) > 0 && s[0] == '[' {
		end := bytes.IndexByte(s, ']')
		if end < 0 || !isIPv6(s[1:end]) {
			return false
		}
		s = s[end+1:]
		return len(s) == 0 || s[0] == ':' && digitsEnd(s, 1) == len(s)
	}
	if colon := bytes.LastIndexByte(s, ':'); colon >= 0 {
		if digitsEnd(s, colon+1) != len(s) {
			return false
		}
		s = s[:colon]
	}
	return isURIText(s, "")
}

// isURIText checks for unreserved characters, sub-delimiters, escapes and the characters of more.
func isURIText(s []byte, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case isLetter(c), isDigit(c), bytes.IndexByte([]byte("-._~!$&'()*+,;="), c) >= 0:
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
		case bytes.IndexByte([]byte(more), c) < 0:
			return false
		}
	}
	return true
}
