package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func Example() {
	main()
	// Output:
	// they speak factom version 11
	// alice got "hello"
}

// TestReadme holds the program that the README shows to the one that runs.
func TestReadme(t *testing.T) {
	code, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "<!-- examples/embed/main.go -->\n```go\n")
	shown, _, end := strings.Cut(rest, "```\n")
	if !ok || !end {
		t.Fatal("the README does not show examples/embed/main.go")
	}
	_, body, _ := bytes.Cut(code, []byte("package main\n"))
	if shown != "package main\n"+string(body) {
		t.Error("the README shows another program than examples/embed/main.go")
	}
}
