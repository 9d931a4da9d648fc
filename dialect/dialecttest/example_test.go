package dialecttest_test

import (
	"fmt"
	"testing"
	"time"

	"parley/dialect"
	"parley/dialect/dialecttest"
	"parley/dialect/toy"
)

// The test of a dialect is one call for each of its variants.
func ExampleRun() {
	_ = func(t *testing.T) {
		dialecttest.Run(t, toy.New(toy.Config{}), dialecttest.Options{App: toy.App})
	}
}

// A View lets a test look at rules without a node around them.
func ExampleView() {
	now := time.Unix(0, 0)
	view := dialecttest.NewView(1)
	view.Join(now, 1)

	var out dialect.Out
	session := toy.New(toy.Config{Ping: time.Minute}).Rules(view).Join(now, 1, dialect.Intro{}, &out)
	fmt.Println("asks for peers:", out.Send[0].Msg.Type == toy.GetPeers)
	fmt.Println("looks again after", session.Next().Sub(now))
	// Output:
	// asks for peers: true
	// looks again after 1m0s
}
