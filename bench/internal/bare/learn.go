package bare

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/load"
)

// LearnFrom sends an event to a server that answers with nothing but it.
func LearnFrom(address string, event load.Event) (*echo.Expectation, error) {
	event = event.Clone()
	numbers := load.NumbersOf(1)
	numbers.Stamp(event.Number())
	response, err := http.Post("http://"+address+"/", "application/json", bytes.NewReader(event.Text))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers with %s", response.Status)
	}
	return echo.Learn(event, answer)
}
