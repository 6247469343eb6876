package rest

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	errorv1 "serverless-orchestrator/gateway/gen/serverless/error/v1"
)

// queryKind is what the value of a query parameter has to look like.
type queryKind int

const (
	queryText queryKind = iota
	queryInteger
	queryTime
	queryBoolean
)

func (k queryKind) problem(value string) string {
	switch k {
	case queryInteger:
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return "must be an integer"
		}
	case queryTime:
		if _, err := time.Parse(time.RFC3339Nano, value); err != nil {
			return "must be a time such as 2026-01-01T12:00:00Z"
		}
	case queryBoolean:
		if value != "true" && value != "false" {
			return "must be true or false"
		}
	case queryText:
	}
	return ""
}

// checkQuery names every parameter that is unknown or wrong. Ignoring unknown
// ones would hide typing mistakes: "pagesize" would list a different page.
func checkQuery(rawQuery string, allowed map[string]queryKind) (url.Values, *failure) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, newFailure(codeInvalidArgument, "the query is not well formed")
	}
	var problems []*errorv1.FieldProblem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		kind, known := allowed[name]
		problem := ""
		switch {
		case !known:
			problem = unknownParameter(allowed)
		case len(values[name]) > 1:
			problem = "is given more than once"
		default:
			problem = kind.problem(values[name][0])
		}
		if problem != "" {
			problems = append(problems, &errorv1.FieldProblem{Field: strings.ToValidUTF8(name, "\uFFFD"), Problem: problem})
		}
	}
	if len(problems) > 0 {
		return nil, wrongFields(problems)
	}
	return values, nil
}

func unknownParameter(allowed map[string]queryKind) string {
	if len(allowed) == 0 {
		return "is an unknown query parameter; this call takes none"
	}
	return "is an unknown query parameter; allowed: " + strings.Join(slices.Sorted(maps.Keys(allowed)), ", ")
}
