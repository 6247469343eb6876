package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// depthLimit bounds nesting, far above what the API needs.
const depthLimit = 64

// checkJSON checks that text is one JSON value, and says where it is not.
func checkJSON(text []byte) *failure {
	if !utf8.Valid(text) {
		return newFailure(codeInvalidArgument, "the body is not valid UTF-8")
	}
	if depth(text) > depthLimit {
		return newFailure(codeInvalidArgument, "the body is nested more than %d deep", depthLimit)
	}
	var whole json.RawMessage
	err := json.Unmarshal(text, &whole)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return newFailure(codeInvalidArgument, "the body is not JSON")
	}
	// The offset counts the bytes up to and with the wrong one.
	line, column := position(text, int(syntax.Offset)-1)
	return newFailure(codeInvalidArgument, "the body is not JSON: line %d, column %d: %s", line, column, syntax)
}

// position counts from 1; columns are characters.
func position(text []byte, offset int) (line, column int) {
	before := text[:max(0, min(offset, len(text)))]
	line = bytes.Count(before, []byte("\n")) + 1
	column = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return line, column
}

// depth is how deep objects and lists are nested. It works on any bytes.
func depth(text []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// member is one key of a JSON object with the text of its value.
type member struct {
	key   string
	value json.RawMessage
}

// members lists the keys of a JSON object in their order, duplicates included,
// which a map would hide. False: the text is not an object.
func members(text []byte) ([]member, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, false
	}
	var found []member
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		name, ok := key.(string)
		if !ok {
			return nil, false
		}
		m := member{key: name}
		if err := decoder.Decode(&m.value); err != nil {
			return nil, false
		}
		found = append(found, m)
	}
	if _, err := decoder.Token(); err != nil && !errors.Is(err, io.EOF) {
		return nil, false
	}
	return found, true
}
