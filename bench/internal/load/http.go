package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// HTTP posts events over one connection that it keeps.
//
// It is written out instead of using net/http or fasthttp because driver and
// server share the processors of a small machine: the request is made once, and
// of a call only the number in it changes; of an answer the length is looked at
// and the body compared. That is one write, one or two reads, and nothing to
// collect.
type HTTP struct {
	address  string
	request  []byte
	numberAt int
	numbers  Numbers
	check    Check

	connection net.Conn
	reader     *bufio.Reader
	body       []byte
}

// How long a client waits: more than the platform lets a call wait and run.
const patience = 60 * time.Second

// The pause before a connection that was refused is tried again.
const reconnectPause = 20 * time.Millisecond

// NewHTTP connects at the first call. `caller` is its number among all.
func NewHTTP(address, path string, event Event, caller int, check Check) *HTTP {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, address, len(event.Text))
	return &HTTP{
		address: address, request: append([]byte(head), event.Text...), numberAt: len(head) + event.NumberAt,
		numbers: NumbersOf(caller), check: check, reader: bufio.NewReaderSize(nil, 16<<10),
	}
}

// Call posts one event.
func (h *HTTP) Call() string {
	number := h.request[h.numberAt : h.numberAt+NumberWidth]
	h.numbers.Stamp(number)
	status, err := h.exchange()
	if err != nil {
		h.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return Timeout
		}
		return Disconnected
	}
	return h.check(number, status, h.body)
}

// Close ends the connection; the next call makes another.
func (h *HTTP) Close() {
	if h.connection != nil {
		h.connection.Close()
		h.connection = nil
	}
}

func (h *HTTP) exchange() (int, error) {
	if h.connection == nil {
		connection, err := net.DialTimeout("tcp", h.address, patience)
		if err != nil {
			time.Sleep(reconnectPause)
			return 0, err
		}
		h.connection = connection
		h.reader.Reset(connection)
	}
	if err := h.connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if _, err := h.connection.Write(h.request); err != nil {
		return 0, err
	}
	return h.readAnswer()
}

// readAnswer leaves the body in h.body.
func (h *HTTP) readAnswer() (int, error) {
	head, err := readHead(h.reader)
	if err != nil {
		return 0, err
	}
	if head.chunked {
		h.body, err = readChunks(h.reader, h.body[:0])
	} else {
		h.body, err = readMore(h.reader, h.body[:0], head.length)
	}
	if err == nil && head.close {
		h.Close()
	}
	return head.status, err
}

// head is what is needed of the lines before a body.
type head struct {
	status, length int
	chunked, close bool
}

var errMalformed = errors.New("this is not HTTP/1.1")

func readHead(reader *bufio.Reader) (head, error) {
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return head{}, err
	}
	// "HTTP/1.1 200 OK"
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return head{}, errMalformed
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return head{}, errMalformed
	}
	found := head{status: status}
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return head{}, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return found, nil
		}
		if err := found.add(line); err != nil {
			return head{}, err
		}
	}
}

func (h *head) add(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return errMalformed
	}
	name, value := line[:colon], bytes.TrimSpace(line[colon+1:])
	var err error
	// By the length first: most headers are of no interest.
	switch {
	case len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")):
		h.length, err = strconv.Atoi(string(value))
		if h.length < 0 {
			err = errMalformed
		}
	case len(name) == len("Transfer-Encoding") && bytes.EqualFold(name, []byte("Transfer-Encoding")):
		h.chunked = bytes.EqualFold(value, []byte("chunked"))
	case len(name) == len("Connection") && bytes.EqualFold(name, []byte("Connection")):
		h.close = bytes.EqualFold(value, []byte("close"))
	}
	return err
}

// readMore appends so many bytes.
func readMore(reader *bufio.Reader, to []byte, length int) ([]byte, error) {
	begin := len(to)
	if need := begin + length; cap(to) < need {
		to = append(make([]byte, 0, need), to...)
	}
	to = to[:begin+length]
	_, err := io.ReadFull(reader, to[begin:])
	return to, err
}

func readChunks(reader *bufio.Reader, to []byte) ([]byte, error) {
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return to, err
		}
		text, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
		length, err := strconv.ParseUint(string(text), 16, 31)
		if err != nil {
			return to, errMalformed
		}
		if to, err = readMore(reader, to, int(length)); err != nil {
			return to, err
		}
		// The end of the chunk's line; we meet no servers that send trailers.
		if _, err := reader.Discard(len("\r\n")); err != nil {
			return to, err
		}
		if length == 0 {
			return to, nil
		}
	}
}
