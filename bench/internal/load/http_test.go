package load

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// echoCheck wants the event back.
func echoCheck(event Event) Check {
	want := event.Clone()
	return func(number []byte, status int, body []byte) string {
		copy(want.Number(), number)
		switch {
		case status != http.StatusOK:
			return fmt.Sprint(status)
		case string(body) != string(want.Text):
			return Wrong
		}
		return OK
	}
}

func serve(t *testing.T, handler http.HandlerFunc) (string, *atomic.Int64) {
	t.Helper()
	connections := &atomic.Int64{}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), connections
}

func TestHTTPKeepsItsConnectionAndReadsEveryBody(t *testing.T) {
	for _, size := range []int{64, 8 << 10, 1 << 20} {
		event, err := NewEvent(size)
		if err != nil {
			t.Fatal(err)
		}
		for _, chunked := range []bool{false, true} {
			address, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || r.URL.Path != "/a/path" || r.Header.Get("Content-Type") != "application/json" {
					w.WriteHeader(http.StatusTeapot)
				}
				w.Header().Set("Connection", "keep-alive")
				if !chunked {
					w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				}
				w.Write(body[:10])
				w.(http.Flusher).Flush()
				w.Write(body[10:])
			})
			caller := NewHTTP(address, "/a/path", event, 5, echoCheck(event))
			for range 3 {
				if got := caller.Call(); got != OK {
					t.Errorf("%d bytes, chunked %v: %s", size, chunked, got)
				}
			}
			caller.Close()
			if connections.Load() != 1 {
				t.Errorf("%d connections", connections.Load())
			}
		}
	}
}

func TestHTTPFindsAnswersOfOtherCalls(t *testing.T) {
	event, _ := NewEvent(64)
	var before string
	address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, before)
		before = string(body)
	})
	caller := NewHTTP(address, "/", event, 0, echoCheck(event))
	defer caller.Close()
	for range 3 {
		if got := caller.Call(); got != Wrong {
			t.Errorf("got %s", got)
		}
	}
}

func TestHTTPConnectsAgain(t *testing.T) {
	event, _ := NewEvent(64)
	var calls atomic.Int64
	address, connections := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch calls.Add(1) {
		case 1:
			panic(http.ErrAbortHandler) // Breaks the connection.
		case 2:
			w.Header().Set("Connection", "close")
		}
		w.Write(body)
	})
	caller := NewHTTP(address, "/", event, 0, echoCheck(event))
	defer caller.Close()
	for i, want := range []string{Disconnected, OK, OK} {
		if got := caller.Call(); got != want {
			t.Errorf("call %d: %s", i, got)
		}
	}
	if connections.Load() != 3 {
		t.Errorf("%d connections", connections.Load())
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	event, _ := NewEvent(64)
	if got := NewHTTP(listener.Addr().String(), "/", event, 0, echoCheck(event)).Call(); got != Disconnected {
		t.Errorf("got %s", got)
	}
}

func TestHeadsAreParsed(t *testing.T) {
	for text, want := range map[string]head{
		"HTTP/1.1 200 OK\r\ncontent-length: 12\r\nX-Other: 1\r\n\r\n":                     {status: 200, length: 12},
		"HTTP/1.1 429 Too Many Requests\r\nTransfer-Encoding: chunked\r\n\r\n":            {status: 429, chunked: true},
		"HTTP/1.0 503 Service Unavailable\r\nConnection: Close\r\nRetry-After: 1\r\n\r\n": {status: 503, close: true},
	} {
		got, err := readHead(bufio.NewReader(strings.NewReader(text)))
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "SSH-2.0-something else\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1"} {
		if got, err := readHead(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q was taken: %+v", text, got)
		}
	}
}
