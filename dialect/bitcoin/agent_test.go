package bitcoin

import "testing"

func TestClash(t *testing.T) {
	for _, c := range []struct {
		ours, theirs string
		clash        bool
	}{
		{"/us:1.0.0/", "/us:1.9.9/", false},
		{"/us:1.0.0/", "/us:2.0.0/", true},
		{"/us:1.0.0/", "/lib:9.0.0/us:2.0.0(comment; more)/", true},
		{"/us:1.0.0(c)/", "/us:2.0.0-rc.1+build/", true},
		{"/lib:1.0.0/us:1.0.0/", "/lib:2.0.0/us:1.0.0/", false}, // only our last entry counts
		{"/us:1.0.0/", "/them:2.0.0/", false},
		{"/us:1.0.0/", "/us:2.0/", false},
		{"/us:1.0.0/", "/us:02.0.0/", false},
		{"/us:1.0.0/", "/us:2.0.x/", false},
		{"/us:1.0.0/", "/us/", false},
		{"/us:1.0.0/", "", false},
		{"/us:one/", "/us:2.0.0/", false},
		{"", "/us:2.0.0/", false},
		{"/us:1.0.0/", "/us:bad/us:2.0.0/", true},
	} {
		if got := clash(c.ours, c.theirs) != ""; got != c.clash {
			t.Errorf("%q and %q clash: %v, want %v", c.ours, c.theirs, got, c.clash)
		}
	}
}

func TestAgentOf(t *testing.T) {
	for in, want := range map[string]string{"": defaultAgent, "x:1": "/x:1/", "/x:1/": "/x:1/"} {
		if got := agentOf(in); got != want {
			t.Errorf("%q is written as %q, want %q", in, got, want)
		}
	}
}
