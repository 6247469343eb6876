package rest

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// appendString writes text as a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendString(to []byte, text string) []byte {
	to = append(to, '"')
	copied := 0 // text[:copied] has been written
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && size == 1 {
				to = append(append(to, text[copied:i]...), "\uFFFD"...)
				copied = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		to = appendEscaped(append(to, text[copied:i]...), c)
		i++
		copied = i
	}
	return append(append(to, text[copied:]...), '"')
}

func appendEscaped(to []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(to, '\\', c)
	case '\n':
		return append(to, `\n`...)
	case '\r':
		return append(to, `\r`...)
	case '\t':
		return append(to, `\t`...)
	default:
		return append(to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}
