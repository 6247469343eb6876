package rest

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	functionv1 "serverless-orchestrator/gateway/gen/serverless/function/v1"
	poolv1 "serverless-orchestrator/gateway/gen/serverless/pool/v1"
	registryv1 "serverless-orchestrator/gateway/gen/serverless/registry/v1"
	routerv1 "serverless-orchestrator/gateway/gen/serverless/router/v1"
)

// Every rule has a row in the route table and the other way round: a call
// without a row could not be reached, a row without a rule would be a 404.
func TestRouteTableAgreesWithHTTPRules(t *testing.T) {
	text, err := os.ReadFile("../../http_rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		HTTP struct {
			Rules []map[string]string `yaml:"rules"`
		} `yaml:"http"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\{\w+\}`)
	var ruled, tabled []string
	for _, rule := range file.HTTP.Rules {
		if strings.Contains(rule["selector"], "RegistryFeedService") || strings.Contains(rule["selector"], "PoolNodeService") {
			t.Errorf("%s is internal", rule["selector"])
		}
		for _, verb := range []string{"get", "put", "post", "delete", "patch"} {
			if path := rule[verb]; path != "" {
				_, hasBody := rule["body"]
				ruled = append(ruled, describe(strings.ToUpper(verb), parameter.ReplaceAllString(path, "{id}"), hasBody))
			}
		}
	}
	for _, rt := range newRoutes() {
		if rt.handler == nil {
			tabled = append(tabled, describe(rt.method, rt.path, rt.body != nil))
		}
	}
	slices.Sort(ruled)
	slices.Sort(tabled)
	if !slices.Equal(ruled, tabled) {
		t.Errorf("rules\n%s\ntable\n%s", strings.Join(ruled, "\n"), strings.Join(tabled, "\n"))
	}
}

func describe(method, path string, hasBody bool) string {
	if hasBody {
		return method + " " + path + " with a body"
	}
	return method + " " + path
}

func hello() *functionv1.Function {
	return &functionv1.Function{Id: "fn-1", Name: "hello", Runtime: "node", Etag: "e1", Version: 2, Timeout: proto.Int32(30000)}
}

func TestEveryCallReachesItsService(t *testing.T) {
	for _, test := range []struct {
		name, method, path, body string
		answer                   proto.Message
		call, request            string // request as text proto
		status                   int
		wantBody                 string // a part of it
	}{
		{
			"create", "POST", "/functions", `{"name":"hello","runtime":"node","timeout":5,"triggers":[{"type":"http","config":{}}]}`,
			&registryv1.CreateFunctionResponse{Function: hello()},
			createFunction, `function { name: "hello" runtime: "node" timeout: 5 triggers { type: "http" config {} } }`,
			201, `"id":"fn-1","name":"hello"`,
		},
		{
			"list", "GET", "/functions?pageSize=7&pageToken=t&filter=name%3Dh*", "",
			&registryv1.ListFunctionsResponse{Functions: []*functionv1.Function{hello()}},
			listFunctions, `page_size: 7 page_token: "t" filter: "name=h*"`,
			200, `"nextPageToken":""`,
		},
		{
			"list nothing", "GET", "/functions", "",
			&registryv1.ListFunctionsResponse{}, listFunctions, ``,
			200, `{"functions":[],"nextPageToken":""}`,
		},
		{
			"get", "GET", "/functions/fn-1?view=full", "",
			&registryv1.GetFunctionResponse{Function: hello()},
			getFunction, `function: "fn-1" view: "full"`,
			200, `"timeout":30000`,
		},
		{
			"get a version", "GET", "/functions/hello:3", "",
			&registryv1.GetFunctionResponse{Function: hello()},
			getFunction, `function: "hello:3"`, 200, `"version":2`,
		},
		{
			"get a version, escaped", "GET", "/functions/hello%3A3", "",
			&registryv1.GetFunctionResponse{Function: hello()},
			getFunction, `function: "hello:3"`, 200, `"version":2`,
		},
		{
			"replace", "PUT", "/functions/hello", `{"code":"x"}`,
			&registryv1.ReplaceFunctionResponse{Function: hello()},
			replaceFunction, `id: "hello" function { code: "x" }`, 200, `"etag":"e1"`,
		},
		{
			"update", "PATCH", "/functions/hello", `{"memory":64}`,
			&registryv1.UpdateFunctionResponse{Function: hello()},
			updateFunction, `id: "hello" function { memory: 64 } update_mask { paths: "memory" }`, 200, `"etag":"e1"`,
		},
		{
			"delete", "DELETE", "/functions/hello", "",
			&registryv1.DeleteFunctionResponse{}, deleteFunction, `id: "hello"`, 200, `{}`,
		},
		{
			"versions", "GET", "/functions/hello/versions?pageSize=2", "",
			&registryv1.ListVersionsResponse{FunctionId: "fn-1"},
			listVersions, `id: "hello" page_size: 2`, 200, `"functionId":"fn-1","versions":[]`,
		},
		{
			"rollback", "POST", "/functions/hello/rollback", `{"version":1}`,
			&registryv1.RollbackFunctionResponse{Function: hello()},
			rollbackFunction, `id: "hello" version: 1`, 200, `"id":"fn-1"`,
		},
		{
			"warm without a body", "POST", "/functions/hello:3/warm", "",
			&poolv1.WarmResponse{FunctionId: "fn-1", Requested: 1, Warmed: 1, Total: 1, Warm: 1},
			warm, `function: "hello:3"`,
			200, `{"functionId":"fn-1","requested":1,"warmed":1,"total":1,"warm":1}`,
		},
		{
			"warm with a body", "POST", "/functions/hello/warm", `{"count":3}`,
			&poolv1.WarmResponse{}, warm, `function: "hello" count: 3`, 200, `"warmed":0`,
		},
		{
			"warm with a query", "POST", "/functions/hello/warm?count=2", "",
			&poolv1.WarmResponse{}, warm, `function: "hello" count: 2`, 200, `"warmed":0`,
		},
		{
			"instances", "GET", "/functions/hello/instances", "",
			&poolv1.ListInstancesResponse{Instances: []*poolv1.Instance{{Id: "inst-42", State: "warm"}}},
			listInstances, `function: "hello"`, 200, `"id":"inst-42"`,
		},
		{
			"logs", "GET", "/functions/hello/logs?requestId=req-1&since=2026-01-01T00:00:00Z", "",
			&routerv1.ListLogsResponse{FunctionId: "fn-1"},
			listLogs, `function: "hello" request_id: "req-1" since { seconds: 1767225600 }`, 200, `"invocations":[]`,
		},
		{
			"invoke", "POST", "/functions/hello:prod/invoke", `{"a":1}`,
			&routerv1.InvokeResponse{StatusCode: 200, Body: []byte(`"hi"`)},
			invoke, `function: "hello:prod" event: "{\"a\":1}" request_id: "req-test"`, 200, `"body":"hi"`,
		},
		{
			"invoke without a body", "POST", "/functions/hello/invoke", "",
			&routerv1.InvokeResponse{StatusCode: 200},
			invoke, `function: "hello" request_id: "req-test"`, 200, `"body":null`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t)
			a.cluster.Answer(test.call, test.answer)
			header := []string{requestIDHeader, "req-test"}
			if test.body != "" {
				header = append(header, jsonHeader()...)
			}
			answer := a.send(test.method, test.path, test.body, header...)
			if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.wantBody) {
				t.Fatalf("answer = %d %s", answer.Code, answer.Body)
			}
			if got := answer.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type = %q", got)
			}
			if answer.Header().Get("X-Content-Type-Options") != "nosniff" || answer.Header().Get("Content-Length") == "" {
				t.Errorf("header = %v", answer.Header())
			}
			if got := answer.Header().Get(requestIDHeader); got != "req-test" {
				t.Errorf("request id = %q", got)
			}

			call := a.cluster.LastCall(t)
			want := call.Request.ProtoReflect().New().Interface()
			if err := prototext.Unmarshal([]byte(test.request), want); err != nil {
				t.Fatal(err)
			}
			if call.Method != test.call || !proto.Equal(call.Request, want) {
				t.Errorf("call = %s %v, want %s %v", call.Method, call.Request, test.call, want)
			}
			if got := call.Metadata.Get("x-request-id"); !slices.Equal(got, []string{"req-test"}) {
				t.Errorf("x-request-id = %v", got)
			}
		})
	}
}

func TestIndexListsEveryRoute(t *testing.T) {
	a := newAPI(t)
	body := decode[indexBody](t, a.send("GET", "/", ""))
	if body.Name == "" || body.Version != "1.2.3" || body.Uptime < 0 || body.Services.Router != "ok" {
		t.Errorf("body = %+v", body)
	}
	if len(body.Endpoints) != len(newRoutes()) {
		t.Errorf("%d endpoints", len(body.Endpoints))
	}
}

func TestUnknownRoutes(t *testing.T) {
	a := newAPI(t)
	for _, path := range []string{
		"/nope", "/functions/", "/functions/hello/nope", "/functions/a%2Fversions", "/functions//invoke",
		"/serverless.registry.v1.RegistryFeedService/Watch", "/functions/hello/instances/inst-1",
	} {
		failed(t, a.send("GET", path, ""), 404, codeNotFound)
	}
	if calls := a.cluster.Calls(); len(calls) != 0 {
		t.Errorf("calls = %v", calls)
	}
}

func TestWrongMethodNamesTheRightOnes(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct{ method, path, allow string }{
		{"PUT", "/functions", "GET, HEAD, POST"},
		{"POST", "/functions/hello", "DELETE, GET, HEAD, PATCH, PUT"},
		{"GET", "/functions/hello/invoke", "POST"},
		{"DELETE", "/health", "GET, HEAD"},
		{"POST", "/", "GET, HEAD"},
	} {
		answer := a.send(test.method, test.path, "")
		failed(t, answer, 405, codeMethodNotAllowed)
		if got := answer.Header().Get("Allow"); got != test.allow {
			t.Errorf("%s %s: Allow = %q, want %q", test.method, test.path, got, test.allow)
		}
	}
}

func TestMethodOverrideIsIgnored(t *testing.T) {
	a := newAPI(t)
	a.send("POST", "/functions/hello/warm", "", "X-Http-Method-Override", "GET")
	if got := methodOf(t, a); got != warm {
		t.Errorf("method = %s", got)
	}
	a.send("POST", "/functions", "", "X-HTTP-Method-Override", http.MethodDelete, "Content-Type", "application/x-www-form-urlencoded")
	if got := methodOf(t, a); got != createFunction {
		t.Errorf("method = %s", got)
	}
}

func TestHeadIsGet(t *testing.T) {
	a := newAPI(t)
	if answer := a.send("HEAD", "/functions/hello", ""); answer.Code != 200 {
		t.Errorf("status = %d", answer.Code)
	}
	if got := methodOf(t, a); got != getFunction {
		t.Errorf("method = %s", got)
	}
}

func TestQueryParametersAreCheckedByName(t *testing.T) {
	a := newAPI(t)
	for _, test := range []struct{ path, field, problem string }{
		{"/functions?pagesize=3", "pagesize", "unknown query parameter; allowed: filter, pageSize, pageToken"},
		{"/functions?pageSize=many", "pageSize", "must be an integer"},
		{"/functions?pageSize=1&pageSize=2", "pageSize", "more than once"},
		{"/functions/hello/logs?follow=true", "follow", "unknown query parameter"},
		{"/functions/hello/logs?since=yesterday", "since", "must be a time"},
		{"/functions/hello?etag=x", "etag", "unknown query parameter"},
		{"/health?verbose", "verbose", "takes none"},
	} {
		body := failed(t, a.send("GET", test.path, ""), 400, codeInvalidArgument)
		if len(body.Error.Details) != 1 || body.Error.Details[0].Field != test.field ||
			!strings.Contains(body.Error.Details[0].Problem, test.problem) {
			t.Errorf("%s: details = %v", test.path, body.Error.Details)
		}
	}
	if body := failed(t, a.send("GET", "/functions?b=1&a=2", ""), 400, codeInvalidArgument); len(body.Error.Details) != 2 {
		t.Errorf("details = %v", body.Error.Details)
	}
	failed(t, a.send("GET", "/functions?a;b", ""), 400, codeInvalidArgument)
	body := failed(t, a.send("POST", "/functions/hello/warm?count=2", `{"count":2}`, jsonHeader()...), 400, codeInvalidArgument)
	if len(body.Error.Details) != 1 || body.Error.Details[0].Field != "count" {
		t.Errorf("details = %v", body.Error.Details)
	}
}
