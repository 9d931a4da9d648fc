package addr

const (
	maxName  = 253 // RFC 1035 section 2.3.4, less the root's dot and length
	maxLabel = 63
)

// validName reports whether s could be a host name: letters, digits, hyphens
// and underscores in labels of 1 to 63 characters (RFC 1123 section 2.1). A name whose
// last label is all digits would be a misspelled IPv4 address, so it is none.
func validName(s string) bool {
	if len(s) > 1 && s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	if s == "" || len(s) > maxName {
		return false
	}
	label, digits := 0, true
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.':
			if label == 0 || s[i-1] == '-' {
				return false
			}
			label, digits = 0, true
			continue
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			digits = false
		case c == '-' && label > 0:
			digits = false
		default:
			return false
		}
		if label++; label > maxLabel {
			return false
		}
	}
	return label > 0 && !digits && s[len(s)-1] != '-'
}
