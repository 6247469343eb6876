package rest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"time"
)

const requestIDHeader = "X-Request-Id"

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// requestID takes the client's id or makes one. It always answers with an id,
// so that the error about a bad one has one as well.
func requestID(header http.Header, now time.Time) (string, *failure) {
	values := header.Values(requestIDHeader)
	switch {
	case len(values) == 0:
		return newRequestID(now), nil
	case len(values) == 1 && requestIDPattern.MatchString(values[0]):
		return values[0], nil
	default:
		return newRequestID(now), newFailure(codeInvalidArgument,
			"the header %s must be 1 to 128 letters, digits or any of . _ : -, once", requestIDHeader)
	}
}

// newRequestID is "req-<13 digits>-<6 characters>", always of the same length:
// the id stands in the receipt, whose length must not vary.
func newRequestID(now time.Time) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	// 252 is the largest multiple of 36 in a byte: above it, some characters
	// would be more likely than others.
	const fair = 252
	var suffix [6]byte
	for i := 0; i < len(suffix); {
		var random [8]byte
		_, _ = rand.Read(random[:]) // never fails, says its documentation
		for _, b := range random {
			if b < fair && i < len(suffix) {
				suffix[i] = alphabet[int(b)%len(alphabet)]
				i++
			}
		}
	}
	return fmt.Sprintf("req-%013d-%s", now.UnixMilli(), suffix[:])
}
