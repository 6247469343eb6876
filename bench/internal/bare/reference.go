package bare

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
)

// ReferenceCommand is the argument with which the benchmark's program is the
// reference server instead.
const ReferenceCommand = "serve-reference"

// ServeReference answers every request with its own body. It neither parses nor
// makes anything of it: what is left is HTTP, the kernel, and the driver.
func ServeReference() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return serveReference(listener)
}

func serveReference(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			// The client has gone, which ends it.
			_ = echoRequests(connection)
		}()
	}
}

func echoRequests(connection net.Conn) error {
	reader := bufio.NewReaderSize(connection, 16<<10)
	var answer []byte
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return err
		}
		answer = fmt.Appendf(answer[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", request.ContentLength)
		begin := len(answer)
		if need := begin + int(request.ContentLength); cap(answer) < need {
			answer = append(make([]byte, 0, need), answer...)
		}
		answer = answer[:begin+int(request.ContentLength)]
		if _, err := io.ReadFull(request.Body, answer[begin:]); err != nil {
			return err
		}
		if _, err := connection.Write(answer); err != nil {
			return err
		}
	}
}
