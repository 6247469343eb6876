package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	configv1 "serverless-orchestrator/gateway/gen/serverless/config/v1"
)

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.textproto")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T, getenv func(string) string, args ...string) *configv1.GatewayConfig {
	t.Helper()
	config, err := Load(args, getenv)
	if err != nil {
		t.Fatalf("Load(%q): %v", args, err)
	}
	return config
}

func TestLoadUsesDefaultsOfTheConfigMessage(t *testing.T) {
	config := mustLoad(t, environment())
	if got := config.GetHttpAddress(); got != "127.0.0.1:3001" {
		t.Errorf("http_address = %q", got)
	}
	if got := config.GetInvokeTimeout().AsDuration(); got != 960*time.Second {
		t.Errorf("invoke_timeout = %v", got)
	}
}

func TestLoadPrecedence(t *testing.T) {
	file := writeFile(t, `http_address: "0.0.0.0:4000" call_timeout { nanos: 500000000 } log_level: "warn"`)

	config := mustLoad(t, environment(), "--config="+file)
	if config.GetHttpAddress() != "0.0.0.0:4000" || config.GetLogLevel() != "warn" {
		t.Errorf("the file does not win over the defaults: %v", config)
	}
	if got := config.GetCallTimeout().AsDuration(); got != 500*time.Millisecond {
		t.Errorf("call_timeout = %v: the default was merged into it", got)
	}

	env := environment("PORT", "5000", "GRPC_PORT", "6000")
	config = mustLoad(t, env, "--config", file)
	if config.GetHttpAddress() != "0.0.0.0:5000" || config.GetGrpcAddress() != "127.0.0.1:6000" {
		t.Errorf("the environment does not win over the file: %v", config)
	}

	config = mustLoad(t, env, "--config="+file, "--http_address=[::1]:7000", "--call_timeout", "1m")
	if config.GetHttpAddress() != "[::1]:7000" || config.GetCallTimeout().AsDuration() != time.Minute {
		t.Errorf("flags do not win: %v", config)
	}
}

func TestLoadReportsEveryProblemAtOnce(t *testing.T) {
	_, err := Load([]string{
		"--colour=red", "stray", "--log_level=loud", "--call_timeout=soon", "--invoke_timeout=2h",
		"--pool_address=", "--router_address=nowhere", "--drain_timeout", "--config=/does/not/exist",
	}, environment("PORT", "http"))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("err = %v", err)
	}
	for _, want := range []string{
		"--colour: unknown flag",
		`"stray" is not a flag`,
		`log_level: "loud" is not one of debug, info, warn, error`,
		`--call_timeout: "soon" is not a duration`,
		"invoke_timeout: 7200 s is not between 1 s and 3600 s",
		"pool_address: must not be empty",
		`router_address: "nowhere" is not host:port`,
		"--drain_timeout: needs a value",
		"--config: cannot read the file",
		`PORT: "http" is not a port`,
	} {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("no problem says %q in:\n%v", want, err)
		}
	}
	if len(problems) != 10 {
		t.Errorf("%d problems, want 10:\n%v", len(problems), err)
	}
}

func TestLoadNamesThePlaceOfAMistakeInTheFile(t *testing.T) {
	_, err := Load([]string{"--config=" + writeFile(t, "http_adress: \"x\"\n")}, environment())
	if err == nil || !strings.Contains(err.Error(), "http_adress") || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("err = %v", err)
	}
}

func TestHelpListsEveryFieldWithItsDefault(t *testing.T) {
	if _, err := Load([]string{"--help", "--nonsense"}, environment()); !errors.Is(err, ErrHelp) {
		t.Errorf("err = %v, want ErrHelp", err)
	}
	help := Help()
	for _, s := range settingsOf((&configv1.GatewayConfig{}).ProtoReflect()) {
		if !strings.Contains(help, "--"+s.name()) || !strings.Contains(help, "["+s.GetDefaultValue()+"]") {
			t.Errorf("help does not describe %s:\n%s", s.name(), help)
		}
	}
}
