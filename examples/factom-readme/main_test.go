package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	p2p "parley/compat/factom"
	"parley/internal/freeport"
)

// The programs of the README find each other through a seed server and hear one
// another.
func TestPrograms(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ports := []string{free(t), free(t)}
	seeds := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("# seeds of myNetwork\n127.0.0.1:" + ports[0] + "\n127.0.0.1:" + ports[1] + "\n"))
	}))
	defer seeds.Close()
	heard := regexp.MustCompile(`^127\.0\.0\.1:(\d+) [0-9a-f]{8} says hello from (\d+)$`)
	for i, port := range ports {
		cmd := exec.Command(bin, seeds.URL, filepath.Join(t.TempDir(), "peers.json"), port)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer cmd.Process.Kill()
		if i == 1 {
			sc := bufio.NewScanner(out)
			if !sc.Scan() {
				t.Fatalf("it heard nothing: %v", sc.Err())
			}
			if m := heard.FindStringSubmatch(sc.Text()); m == nil || m[1] != ports[0] || m[2] != ports[0] {
				t.Errorf("it heard %q", sc.Text())
			}
		}
	}
}

// free returns a port for a program that has to be told one.
func free(t *testing.T) string {
	t.Helper()
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// The fragments of the README compile and are in the program as they stand
// there, but for the values it makes up.
func TestProgramHasTheFragments(t *testing.T) {
	b, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`config := p2p.DefaultP2PConfiguration()`,
		`config.Network = p2p.NewNetworkID("myNetwork")`,
		`config.SeedURL = `,
		`config.PersistFile = `,
		`network, err := p2p.NewNetwork(config)`,
		`if err != nil {`,
		`network.Run() // nonblocking, starts its own goroutines`,
		`parcel := p2p.NewParcel(p2p.Broadcast, `,
		`network.ToNetwork.Send(parcel)`,
		`for parcel := range network.FromNetwork.Reader() {`,
	} {
		if !strings.Contains(string(b), line) {
			t.Errorf("the program has no line %s", line)
		}
	}
	if p2p.NewNetworkID("myNetwork") != 0x29cb7175 {
		t.Error("the README's network has another number")
	}
}
