package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type caller struct {
	client   *http.Client
	url      string
	template []byte
	tag      string
	echoes   bool
}

type result struct {
	WarmUp   int     `json:"warm_up"`
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50_seconds"`
	P99      float64 `json:"p99_seconds"`
	Failures int     `json:"failures"`
	Failure  string  `json:"failure"`
}

// load sends reviews over connections that are kept, each caller its next one when its last was answered, and writes
// what came of it as JSON.
func load(arguments []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	url := flags.String("url", "", "where the reviews go")
	authority := flags.String("authority", "", "file with the authority of the server's certificate")
	body := flags.String("body", "", "file with a review; {uid} and {tag} in it are filled in")
	tag := flags.String("tag", "", "the tag in every review; empty: another one in each")
	echoes := flags.Bool("echoes", false, "the answer must have the review's uid")
	callers := flags.Int("callers", 1, "reviews under way at once")
	seconds := flags.Float64("seconds", 2, "how long")
	most := flags.Int64("requests", 1<<62, "how many at most")
	flags.Parse(arguments)

	template, err := os.ReadFile(*body)
	if err != nil {
		return err
	}
	certificates, err := os.ReadFile(*authority)
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(certificates)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: trusted},
		MaxIdleConnsPerHost: *callers,
		DisableCompression:  true,
	}
	who := &caller{&http.Client{Transport: transport, Timeout: 30 * time.Second}, *url, template, *tag, *echoes}
	// The connections are opened, and the tokens fetched, before the clock runs.
	before := who.all(*callers, time.Now().Add(time.Hour), int64(*callers)*2)
	found := who.all(*callers, time.Now().Add(time.Duration(*seconds*1e9)), *most)
	found.WarmUp = before.Requests
	return json.NewEncoder(os.Stdout).Encode(found)
}

func (who *caller) all(callers int, until time.Time, most int64) result {
	var group sync.WaitGroup
	var taken atomic.Int64
	durations, failures := make([][]time.Duration, callers), make([][]string, callers)
	begin := time.Now()
	for number := range callers {
		group.Go(func() {
			for taken.Add(1) <= most && time.Now().Before(until) {
				sent := time.Now()
				err := who.ask(fmt.Sprintf("%x-%d-%d", begin.UnixNano(), number, len(durations[number])))
				durations[number] = append(durations[number], time.Since(sent))
				if err != nil {
					failures[number] = append(failures[number], err.Error())
				}
			}
		})
	}
	group.Wait()
	return summary(durations, failures, time.Since(begin))
}

func (who *caller) ask(name string) error {
	tag := who.tag
	if tag == "" {
		tag = name
	}
	body := bytes.ReplaceAll(bytes.ReplaceAll(who.template, []byte("{uid}"), []byte(name)), []byte("{tag}"), []byte(tag))
	response, err := who.client.Post(who.url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	isRight := response.StatusCode == http.StatusOK && bytes.Contains(answer, []byte(`"allowed":true`)) &&
		!bytes.Contains(answer, []byte("warnings")) && (!who.echoes || bytes.Contains(answer, []byte(name)))
	if !isRight {
		return fmt.Errorf("%s: %s", response.Status, answer)
	}
	return nil
}

func summary(durations [][]time.Duration, failures [][]string, elapsed time.Duration) result {
	var all []time.Duration
	var failed []string
	for number := range durations {
		all = append(all, durations[number]...)
		failed = append(failed, failures[number]...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	found := result{Requests: len(all), Seconds: elapsed.Seconds(), Failures: len(failed)}
	if len(all) > 0 {
		found.P50, found.P99 = all[len(all)/2].Seconds(), all[len(all)*99/100].Seconds()
	}
	if len(failed) > 0 {
		found.Failure = failed[0]
	}
	return found
}
