package launcher

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// headers names the fields of our structs as the header does.
var headers = map[string]struct {
	message any
	fields  []string
}{
	"ParkRequest":     {parkRequest{}, []string{"type", "reserved", "ticket", "runtime"}},
	"ActivateRequest": {activateRequest{}, []string{"type", "network", "sandbox", "memory_bytes", "max_pids", "cpu_percent", "code_dir", "output_dir"}},
	"KillRequest":     {killRequest{}, []string{"type", "gently", "sandbox"}},
	"Hello":           {hello{}, []string{"type", "version", "missing_layers", "reserved"}},
	"RuntimeState":    {runtimeState{}, []string{"type", "ready", "runtime", "problem"}},
	"Parked":          {parked{}, []string{"type", "descriptors", "ticket", "sandbox", "freezer_dialect", "cpu_dialect", "step_micros", "reserved"}},
	"ParkFailed":      {parkFailed{}, []string{"type", "error", "ticket", "step"}},
	"Activated":       {activated{}, []string{"type", "micros", "sandbox"}},
	"ActivateFailed":  {activateFailed{}, []string{"type", "error", "sandbox", "step"}},
	"Exited":          {exited{}, []string{"type", "wait_status", "sandbox", "out_of_memory", "reserved", "memory_peak_bytes", "cpu_nanos"}},
}

func TestMessagesAreLaidOutAsInTheHeader(t *testing.T) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("needs a C++ compiler")
	}
	directory := t.TempDir()
	source := filepath.Join(directory, "layout.cc")
	if err := os.WriteFile(source, []byte(layoutProgram()), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(directory, "layout")
	if output, err := exec.Command(compiler, "-std=c++20", "-w", "-I../../..", source, "-o", program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	output, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := string(output)
	for name, header := range headers {
		for _, line := range ourLayout(name, header.message, header.fields) {
			if !strings.Contains(theirs, line+"\n") {
				t.Errorf("the header does not have: %s", line)
			}
		}
	}
	constants := fmt.Sprintf("version %d types %d %d %d %d %d %d %d %d %d %d", protocolVersion, typePark, typeActivate, typeKill,
		typeHello, typeRuntimeState, typeParked, typeParkFailed, typeActivated, typeActivateFailed, typeExited)
	if !strings.Contains(theirs, constants+"\n") {
		t.Errorf("the header does not have: %s", constants)
	}
	if t.Failed() {
		t.Logf("it has:\n%s", theirs)
	}
}

// layoutProgram prints what ourLayout says, from the header.
func layoutProgram() string {
	var out strings.Builder
	out.WriteString("#include <cstddef>\n#include <cstdio>\n#include \"sandbox/protocol/messages.h\"\nusing namespace so::launcher;\nint main() {\n")
	for name, header := range headers {
		fmt.Fprintf(&out, "std::printf(\"%s is %%zu\\n\", sizeof(%s));\n", name, name)
		for _, field := range header.fields {
			fmt.Fprintf(&out, "std::printf(\"%s.%s at %%zu\\n\", offsetof(%s, %s));\n", name, field, name, field)
		}
	}
	out.WriteString("using enum MessageType;\nstd::printf(\"version %u types")
	types := []string{"kPark", "kActivate", "kKill", "kHello", "kRuntimeState", "kParked", "kParkFailed", "kActivated", "kActivateFailed", "kExited"}
	out.WriteString(strings.Repeat(" %u", len(types)) + "\\n\", kProtocolVersion")
	for _, each := range types {
		fmt.Fprintf(&out, ", static_cast<unsigned>(%s)", each)
	}
	out.WriteString(");\n}\n")
	return out.String()
}

// ourLayout: encoding/binary leaves no gaps, so a field begins where the sizes
// of those before it end.
func ourLayout(name string, message any, fields []string) []string {
	lines := []string{fmt.Sprintf("%s is %d", name, binary.Size(message))}
	offset := 0
	value := reflect.ValueOf(message)
	for i, field := range fields {
		lines = append(lines, fmt.Sprintf("%s.%s at %d", name, field, offset))
		offset += binary.Size(value.Field(i).Interface())
	}
	return lines
}
