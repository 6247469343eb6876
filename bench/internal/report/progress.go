package report

import (
	"fmt"
	"io"
	"time"
)

// Say tells whoever waits what goes on.
func Say(to io.Writer, format string, values ...any) {
	fmt.Fprintf(to, "%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, values...))
}
