package report

import "testing"

func TestTextAlignsColumnsAndLetsShortRowsRun(t *testing.T) {
	table := NewTable("what", "n", "ms")
	table.Add("a", "10", "1.50")
	table.Add("bbbb", "not available: a long reason")
	table.Add("é", "9", "21.50")
	want := "" +
		"what   n     ms\n" +
		"---------------\n" +
		"a     10   1.50\n" +
		"bbbb  not available: a long reason\n" +
		"é      9  21.50\n"
	if got := table.text(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestMarkdownIsATable(t *testing.T) {
	table := NewTable("what", "n")
	table.Add("a|b", "1")
	table.Add("short")
	want := "| what | n |\n|---|---:|\n| a\\|b | 1 |\n| short |  |\n"
	if got := table.markdown(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestResultsAreReplacedInADocument(t *testing.T) {
	document := "before\n" + sectionBegin("cold") + "old\n" + sectionEnd("cold") + "after\n"
	got, err := replaceSection(document, "cold", "new\n")
	want := "before\n" + sectionBegin("cold") + "\nnew\n\n" + sectionEnd("cold") + "after\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	if again, err := replaceSection(got, "cold", "new\n"); err != nil || again != got {
		t.Errorf("the second time: %q, %v", again, err)
	}
	if _, err := replaceSection(got, "warm", "new\n"); err == nil {
		t.Error("the results of another benchmark were replaced")
	}
	if _, err := replaceSection("no marks\n", "cold", "new\n"); err == nil {
		t.Error("a document without marks was changed")
	}
}
