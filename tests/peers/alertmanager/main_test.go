// Runs Alertmanager's own dispatcher and pipeline on alerts, in a time that passes as fast as it can be computed.
package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

type input struct {
	Config string
	Until  float64
	Alerts []struct {
		At     float64
		Labels model.LabelSet
	}
}

type notification struct {
	Receiver string
	At       float64
	Group    model.LabelSet
	IDs      []string
}

type collector struct {
	receiver string
	start    time.Time
	found    *[]notification
}

func (c collector) Notify(ctx context.Context, alerts ...*alert.Alert) (bool, error) {
	group, _ := notify.GroupLabels(ctx)
	n := notification{Receiver: c.receiver, At: time.Since(c.start).Seconds(), Group: group}
	for _, a := range alerts {
		n.IDs = append(n.IDs, string(a.Labels["id"]))
	}
	*c.found = append(*c.found, n)
	return false, nil
}

func (c collector) SendResolved() bool { return false }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func TestRun(t *testing.T) {
	read, err := os.ReadFile(os.Getenv("ORACLE_INPUT"))
	if err != nil {
		t.Skip("ORACLE_INPUT names no file")
	}
	var in input
	if err := json.Unmarshal(read, &in); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(in.Config)
	if err != nil {
		t.Fatal(err)
	}
	found := []notification{}
	synctest.Test(t, func(t *testing.T) { run(t, in, conf, &found) })
	out, _ := json.Marshal(found)
	if err := os.WriteFile(os.Getenv("ORACLE_OUTPUT"), out, 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, in input, conf *config.Config, found *[]notification) {
	quiet, none := slog.New(slog.DiscardHandler), eventrecorder.NopRecorder()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	start, flags := time.Now(), featurecontrol.NoopFlags{}

	alerts, err := mem.NewAlerts(ctx, time.Hour, 0, nil, quiet, none, prometheus.NewRegistry(), flags)
	must(t, err)
	log, err := nflog.New(nflog.Options{Retention: 1000 * time.Hour, Metrics: prometheus.NewRegistry()})
	must(t, err)
	silences, err := silence.New(silence.Options{Retention: time.Hour, Metrics: prometheus.NewRegistry()})
	must(t, err)
	inhibitor := inhibit.NewInhibitor(alerts, conf.InhibitRules, quiet, none)
	go inhibitor.Run()
	defer inhibitor.Stop()

	receivers := map[string][]notify.Integration{}
	for _, r := range conf.Receivers {
		c := collector{r.Name, start, found}
		receivers[r.Name] = []notify.Integration{notify.NewIntegration(c, c, "collector", 0, r.Name)}
	}
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, i := range conf.TimeIntervals {
		intervals[i.Name] = i.TimeIntervals
	}
	groups := marker.NewGroupMarker()
	pipeline := notify.NewPipelineBuilder(prometheus.NewRegistry(), flags, none).New(
		receivers, func() time.Duration { return 0 }, inhibitor, silence.NewSilencer(silences, quiet, none),
		timeinterval.NewIntervener(intervals), groups, log, nil)
	dispatcher := dispatch.NewDispatcher(alerts, dispatch.NewRoute(conf.Route, nil), pipeline, groups,
		func(d time.Duration) time.Duration { return max(d, time.Minute) }, time.Hour, nil, quiet, none, nil, nil)
	go dispatcher.Run(start)
	defer dispatcher.Stop()
	synctest.Wait()

	for _, a := range in.Alerts {
		time.Sleep(time.Until(start.Add(seconds(a.At))))
		synctest.Wait()
		now := time.Now()
		must(t, alerts.Put(ctx, &alert.Alert{
			Alert:     model.Alert{Labels: a.Labels, StartsAt: now, EndsAt: now.Add(1000 * time.Hour)},
			UpdatedAt: now,
		}))
		synctest.Wait()
	}
	time.Sleep(time.Until(start.Add(seconds(in.Until))))
	synctest.Wait()
}

func must(t *testing.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}
