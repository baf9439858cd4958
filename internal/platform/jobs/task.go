package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// task is a function that runs at an interval.
type task struct {
	args     taskArgs
	interval time.Duration
}

// Every runs a task at the multiples of an interval of at least a second, once in all processes that have it: each of them puts
// the run in the queue, where only the first finds room, and whichever is free takes it. A process that does not have the task
// has no part in it, even while River makes it the leader of all. A run that fails is logged and not tried again: the next one is
// near. It may begin while one that takes longer than the interval still goes on. Names are unique; call Every before Start.
func (j *Jobs) Every(name string, interval time.Duration, run func(context.Context) error) {
	args := taskArgs{name: name}
	for _, other := range j.tasks {
		if other.args == args {
			panic("jobs.Every: two tasks named " + name)
		}
	}
	j.tasks = append(j.tasks, task{args: args, interval: interval})
	river.AddWorkerArgs(j.Workers, args, &taskWorker{name: name, run: run})
}

// keepTime puts every run of a task in the queue until ctx ends.
func (j *Jobs) keepTime(ctx context.Context, t task) {
	for {
		now := time.Now()
		due := time.NewTimer(now.Truncate(t.interval).Add(t.interval).Sub(now))
		select {
		case <-ctx.Done():
			due.Stop()
			return
		case <-due.C:
		}
		_, err := j.Client.Insert(ctx, t.args, &river.InsertOpts{
			MaxAttempts: 1,
			// One for the period, however its run ended.
			UniqueOpts: river.UniqueOpts{ByPeriod: t.interval, ByState: rivertype.JobStates()},
		})
		if err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "a task is left out", "task", t.args.name, "error", err)
		}
	}
}

// taskArgs is the job of one run of a task: a kind of its own, so that only processes that have the task fetch it.
type taskArgs struct{ name string }

// Kind names the job in River's table.
func (a taskArgs) Kind() string { return "platform.task." + a.name }

// taskWorker runs one task.
type taskWorker struct {
	river.WorkerDefaults[taskArgs]
	name string
	run  func(context.Context) error
}

// Work runs the task.
func (w *taskWorker) Work(ctx context.Context, _ *river.Job[taskArgs]) error {
	if err := w.run(ctx); err != nil {
		return fmt.Errorf("task %s: %w", w.name, err)
	}
	return nil
}
