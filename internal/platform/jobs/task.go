package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// unfinished is the states of a job that River wants in a uniqueness rule: all but the final ones.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
	rivertype.JobStateScheduled,
}

// Every runs a task at an interval, once in all processes together, beginning one interval after the start. A run that fails
// is logged and not tried again: the next one is near. Names are unique; call Every before Start.
func (j *Jobs) Every(name string, interval time.Duration, task func(context.Context) error) {
	if _, taken := j.tasks[name]; taken {
		panic("jobs.Every: two tasks named " + name)
	}
	j.tasks[name] = task
	j.Client.PeriodicJobs().Add(river.NewPeriodicJob(
		river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) {
			// Unique while one waits or runs: a database that was away does not find a heap of them when it is back.
			return taskArgs{Name: name}, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
		},
		&river.PeriodicJobOpts{ID: name},
	))
}

// taskArgs is the job of one run of a task.
type taskArgs struct {
	Name string `json:"name"`
}

// Kind names the job in River's table.
func (taskArgs) Kind() string { return "platform.task" }

// taskWorker runs tasks by name.
type taskWorker struct {
	river.WorkerDefaults[taskArgs]
	tasks map[string]func(context.Context) error
}

// Work runs the task. One that this process does not have is another version's or another system's, and is left alone.
func (w *taskWorker) Work(ctx context.Context, job *river.Job[taskArgs]) error {
	task, ok := w.tasks[job.Args.Name]
	if !ok {
		return nil
	}
	if err := task(ctx); err != nil {
		return fmt.Errorf("task %s: %w", job.Args.Name, err)
	}
	return nil
}
