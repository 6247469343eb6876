package rest

import (
	"net/http/httptest"
	"strings"
	"testing"

	functionv1 "serverless-orchestrator/gateway/gen/serverless/function/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
)

func TestMalformedBodiesNameEveryWrongField(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct {
		name, body string
		want       []string // "field: part of the problem"
	}{
		{"unknown", `{"tiemout":1}`, []string{"tiemout: not a known field"}},
		{"integer", `{"timeout":"soon"}`, []string{"timeout: 32-bit integer"}},
		{"fraction", `{"memory":1.5}`, []string{"memory: 32-bit integer"}},
		{"too large", `{"memory":99999999999}`, []string{"memory: 32-bit integer"}},
		{"string", `{"name":7}`, []string{"name: must be a string"}},
		{"base64", `{"archive":"###"}`, []string{"archive: base64"}},
		{"list", `{"triggers":{}}`, []string{"triggers: must be a list"}},
		{"map", `{"environment":[]}`, []string{"environment: must be an object"}},
		{"map value", `{"environment":{"A":"x","B":1}}`, []string{"environment.B: must be a string"}},
		{"duplicate", `{"name":"a","name":"b"}`, []string{"name: more than once"}},
		{"duplicate by other name", `{"minInstances":1,"min_instances":2}`, []string{"min_instances: more than once"}},
		{"duplicate in a map", `{"labels":{"a":"1","a":"2"}}`, []string{"labels.a: more than once"}},
		{"time", `{"createdAt":"today"}`, []string{"createdAt: must be a time"}},
		{"nested", `{"triggers":[{"type":"http"},{"type":1,"konfig":{}},7]}`, []string{
			"triggers[1].type: must be a string", "triggers[1].konfig: not a known field", "triggers[2]: must be an object",
		}},
		{"struct", `{"triggers":[{"config":"x"}]}`, []string{"triggers[0].config: must be an object"}},
		{"several", `{"name":1,"x":2,"timeout":true}`, []string{"name: string", "x: known", "timeout: integer"}},
		{"no object", `[1]`, []string{"body: must be an object"}},
		{"null", `null`, []string{"body: must be an object"}},
	} {
		for _, call := range []struct{ method, path string }{
			{"POST", "/functions"}, {"PUT", "/functions/hello"}, {"PATCH", "/functions/hello"},
		} {
			t.Run(call.method+" "+test.name, func(t *testing.T) {
				body := failed(t, a.send(call.method, call.path, test.body, jsonHeader()...), 400, codeInvalidArgument)
				if len(body.Error.Details) != len(test.want) {
					t.Fatalf("details = %v", body.Error.Details)
				}
				for i, want := range test.want {
					field, problem, _ := strings.Cut(want, ": ")
					got := body.Error.Details[i]
					if got.Field != field || !strings.Contains(got.Problem, problem) {
						t.Errorf("details[%d] = %+v, want %s", i, got, want)
					}
				}
			})
		}
	}
	if calls := a.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls = %v", calls)
	}
}

func TestMalformedSmallBodies(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct{ path, body, field string }{
		{"/functions/hello/rollback", `{"version":"one"}`, "version"},
		{"/functions/hello/rollback", `{"verison":1}`, "verison"},
		{"/functions/hello/warm", `{"count":[]}`, "count"},
	} {
		body := failed(t, a.send("POST", test.path, test.body, jsonHeader()...), 400, codeInvalidArgument)
		if len(body.Error.Details) != 1 || body.Error.Details[0].Field != test.field {
			t.Errorf("%s: details = %v", test.body, body.Error.Details)
		}
	}
}

func TestBrokenJSONHasAPosition(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct{ body, want string }{
		{"{\n  \"name\": \"a\",\n  oops\n}", "line 3, column 3"},
		{`{"a":1} trailing`, "line 1, column 9"},
		{`{"a":"ü" x}`, "line 1, column 10"},
		{`{"a":`, "line 1, column 5"},
		{"{\"a\":\"\xff\"}", "UTF-8"},
		{strings.Repeat("[", 100), "nested more than 64 deep"},
		{`{"triggers":[{"config":` + strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70) + `}]}`, "nested"},
	} {
		body := failed(t, a.send("POST", "/functions", test.body, jsonHeader()...), 400, codeInvalidArgument)
		if !strings.Contains(body.Error.Message, test.want) {
			t.Errorf("%.30s: message = %q, want %q", test.body, body.Error.Message, test.want)
		}
	}
}

func TestContentTypes(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct {
		contentType string
		accepted    bool
	}{
		{"", true},
		{"application/json", true},
		{"application/json; charset=utf-8", true},
		{"application/merge-patch+json", true},
		{"application/x-www-form-urlencoded", false},
		{"text/plain", false},
		{"nonsense/", false},
	} {
		for _, path := range []string{"/functions", "/functions/hello/rollback", "/functions/hello/warm"} {
			var header []string
			if test.contentType != "" {
				header = []string{"Content-Type", test.contentType}
			}
			answer := a.send("POST", path, `{}`, header...)
			if test.accepted && answer.Code/100 != 2 {
				t.Errorf("%s with %q: %d %s", path, test.contentType, answer.Code, answer.Body)
			}
			if !test.accepted {
				body := failed(t, answer, 415, codeUnsupportedMediaType)
				if !strings.Contains(body.Error.Message, "Content-Type: application/json") {
					t.Errorf("message = %q", body.Error.Message)
				}
			}
		}
		// The event of an invocation is whatever the body is.
		if answer := a.send("POST", "/functions/hello/invoke", `{}`, "Content-Type", test.contentType); answer.Code != 200 {
			t.Errorf("invoke with %q: %d", test.contentType, answer.Code)
		}
	}
	// Without a body its type does not matter: curl -X POST -d '' sends one.
	for _, path := range []string{"/functions/hello/warm", "/functions/hello/warm?count=2"} {
		if answer := a.send("POST", path, "", "Content-Type", "application/x-www-form-urlencoded"); answer.Code != 200 {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
	failed(t, a.send("POST", "/functions/hello/invoke", `x`, "Content-Encoding", "gzip"), 415, codeUnsupportedMediaType)
}

func TestBodyLimits(t *testing.T) {
	a := newAPI(t)
	event := `"` + strings.Repeat("x", eventLimit-2) + `"`
	if answer := a.send("POST", "/functions/hello/invoke", event); answer.Code != 200 {
		t.Errorf("an event of exactly 6 MiB: %d %s", answer.Code, answer.Body)
	}
	small := strings.Repeat(" ", smallLimit+1)
	for _, test := range []struct{ method, path, body string }{
		{"POST", "/functions/hello/invoke", event + " "},
		{"POST", "/functions/hello/rollback", small},
		{"POST", "/functions/hello/warm", small},
		{"GET", "/functions", small},
	} {
		failed(t, a.send(test.method, test.path, test.body), 413, codePayloadTooLarge)

		// The same without a Content-Length, so that only reading finds out.
		chunked := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		chunked.ContentLength = -1
		recorder := httptest.NewRecorder()
		a.ServeHTTP(recorder, chunked)
		failed(t, recorder, 413, codePayloadTooLarge)
	}
	// Far above the small limit, far below that of functions.
	code := `{"code":"` + strings.Repeat("x", 4<<20) + `"}`
	if answer := a.send("POST", "/functions", code, jsonHeader()...); answer.Code/100 != 2 {
		t.Errorf("4 MiB of code: %d %s", answer.Code, answer.Body)
	}
	request := httptest.NewRequest("POST", "/functions", strings.NewReader("{}"))
	request.ContentLength = functionLimit + 1
	recorder := httptest.NewRecorder()
	a.ServeHTTP(recorder, request)
	failed(t, recorder, 413, codePayloadTooLarge)
}

func TestPatchMaskIsTheTopLevelFieldsOfTheBody(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct{ body, mask string }{
		{`{"memory":64}`, "memory"},
		{`{"timeout":0}`, "timeout"},
		{`{"environment":{"A":"1","B":"2"}}`, "environment"},
		{`{"environment":{}}`, "environment"},
		{`{"labels":{"team.name":"x"}}`, "labels"},
		{`{"triggers":[{"type":"http","config":{"path":"/a"}}]}`, "triggers"},
		{`{"triggers":[]}`, "triggers"},
		{`{"minInstances":1,"max_instances":null,"idleTimeout":5}`, "idle_timeout,max_instances,min_instances"},
		{`{"description":"","code":"x"}`, "code,description"},
		{`{}`, ""},
		{``, ""},
	} {
		answer := a.send("PATCH", "/functions/hello", test.body, jsonHeader()...)
		if answer.Code != 200 {
			t.Fatalf("%s: %d %s", test.body, answer.Code, answer.Body)
		}
		request, _ := a.cluster.LastCall(t).Request.(*registryv1.UpdateFunctionRequest)
		if got := strings.Join(request.GetUpdateMask().GetPaths(), ","); got != test.mask {
			t.Errorf("%s: mask = %q, want %q", test.body, got, test.mask)
		}
	}
}

func TestWritesWithIfMatch(t *testing.T) {
	a := newAPI(t)
	for _, write := range []struct{ method, path string }{
		{"PUT", "/functions/hello"},
		{"PATCH", "/functions/hello"},
		{"DELETE", "/functions/hello"},
		{"POST", "/functions/hello/rollback"},
	} {
		for header, want := range map[string]string{`"e1"`: "e1", `W/"e1"`: "e1", `e1`: "e1", `*`: "*", ``: ""} {
			body := ""
			if write.method != "DELETE" {
				body = `{}`
			}
			answer := a.send(write.method, write.path, body, "If-Match", header)
			request, ok := a.cluster.LastCall(t).Request.(interface{ GetEtag() string })
			if answer.Code != 200 || !ok || request.GetEtag() != want {
				t.Errorf("%s %s If-Match: %s: %d, etag %q", write.method, write.path, header, answer.Code, request.GetEtag())
			}
		}
	}
	for _, header := range []string{`"a", "b"`, `""`, "\"\u00fc\""} {
		failed(t, a.send("DELETE", "/functions/hello", "", "If-Match", header), 400, codeInvalidArgument)
	}
}

func TestFunctionAnswersHaveAnETag(t *testing.T) {
	a := newAPI(t)
	function := &functionv1.Function{Id: "fn-1", Etag: "e7"}
	a.cluster.Answer(createFunction, &registryv1.CreateFunctionResponse{Function: function})
	a.cluster.Answer(getFunction, &registryv1.GetFunctionResponse{Function: function})

	created := a.send("POST", "/functions", `{}`)
	if created.Code != 201 || created.Header().Get("Location") != "/functions/fn-1" || created.Header().Get("ETag") != `"e7"` {
		t.Errorf("create: %d %v", created.Code, created.Header())
	}
	read := a.send("GET", "/functions/fn-1", "")
	if read.Code != 200 || read.Header().Get("Location") != "" || read.Header().Get("ETag") != `"e7"` {
		t.Errorf("get: %d %v", read.Code, read.Header())
	}
}
