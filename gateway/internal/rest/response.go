package rest

import "net/http"

// statusClientClosed is what the log says when the client left before the
// answer; nobody receives it.
const statusClientClosed = 499

// response remembers what was answered.
type response struct {
	http.ResponseWriter
	status  int
	created bool // a success is 201 instead of 200
	failure *failure
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(body []byte) (int, error) {
	if w.status == 0 {
		if w.created {
			w.WriteHeader(http.StatusCreated)
		} else {
			w.WriteHeader(http.StatusOK)
		}
	}
	return w.ResponseWriter.Write(body)
}
