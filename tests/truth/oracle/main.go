// Command oracle answers as the kubelet would: cases on standard input, answers on standard output, a JSON object a line.
//
// It is the other side of `python -m tests.truth.ours`, whose documentation describes cases and answers.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/util/parsers"
)

// A testCase is one line of the input; which fields count is the operation's.
type testCase struct {
	Op      string
	Image   string
	Pattern string
	Body    []byte
	Secrets []secret
}

type secret struct {
	Type string
	Data map[string][]byte
}

// An answer is one line of the output.
type answer map[string]any

func main() {
	// The keyring would log every key that is no URL; the empty logger is silent.
	klog.SetLogger(klog.Logger{})
	if err := answerAll(bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriterSize(os.Stdout, 1<<20)); err != nil {
		log.Fatal(err)
	}
}

// answerAll gives every line an answer. What is answered is held back only while more input is at hand, so that a
// caller may wait for each answer.
func answerAll(input *bufio.Reader, output *bufio.Writer) error {
	for {
		line, err := input.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) > 0 {
			if err := json.NewEncoder(output).Encode(answerLine(bytes.TrimRight(line, "\n"))); err != nil {
				return err
			}
		}
		if err != nil {
			return output.Flush()
		}
		if input.Buffered() == 0 {
			if err := output.Flush(); err != nil {
				return err
			}
		}
	}
}

func answerLine(line []byte) answer {
	var given testCase
	if err := json.Unmarshal(line, &given); err != nil {
		return answer{"error": "no case: " + err.Error()}
	}
	switch given.Op {
	case "reference":
		return answerReference(given.Image)
	case "keyring":
		return answerKeyring(given.Image, given.Secrets)
	case "match":
		matched, _ := credentialprovider.URLsMatchStr(given.Pattern, given.Image)
		return answer{"matched": matched}
	case "config":
		return answerConfig(given.Body)
	}
	return answer{"error": fmt.Sprintf("no case: unknown op %q", given.Op)}
}

func answerReference(image string) answer {
	repository, tag, digest, err := parsers.ParseImageName(image)
	if err != nil {
		return answer{"error": withoutImage(err, image)}
	}
	given := answer{"repo": repository}
	if tag != "" {
		given["tag"] = tag
	}
	if digest != "" {
		given["digest"] = digest
	}
	return given
}

// answerConfig reads a node's config.json. The kubelet's own function hides why it cannot; the decoding is the same.
func answerConfig(body []byte) answer {
	var config credentialprovider.DockerConfigJSON
	if err := json.Unmarshal(body, &config); err != nil {
		return answer{"error": err.Error()}
	}
	entries := answer{}
	for key, entry := range config.Auths {
		entries[key] = answer{"username": entry.Username, "password": entry.Password}
	}
	return answer{"entries": entries}
}

// withoutImage leaves away the words that the kubelet puts before the parser's.
func withoutImage(err error, image string) string {
	return strings.TrimPrefix(err.Error(), fmt.Sprintf("couldn't parse image name %q: ", image))
}
