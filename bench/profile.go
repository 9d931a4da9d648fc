package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"time"
)

// Profile does the work of rows once more, for about d each and without the
// baseline, and writes a CPU profile of each to what open returns, which it
// closes. Nobody else may profile the process meanwhile.
func Profile(ctx context.Context, rows []Row, d time.Duration, open func(Row) (io.WriteCloser, error)) error {
	var errs []error
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if err := row.profile(ctx, d, open); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", row.Name, err))
		}
	}
	return errors.Join(errs...)
}

// profile leaves out what setting the work up takes.
func (r Row) profile(ctx context.Context, d time.Duration, open func(Row) (io.WriteCloser, error)) (err error) {
	work, err := r.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.Close()) }()
	w, err := open(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := pprof.StartCPUProfile(w); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	_, err = work.Sample(ctx, d)
	return err
}
