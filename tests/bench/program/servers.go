package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

const (
	token  = "a-token-of-the-benchmark"
	digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// bare reads a review and answers what the file has: the least that a webhook in Go does.
func bare(arguments []string) error {
	flags := flag.NewFlagSet("bare", flag.ExitOnError)
	answer := flags.String("answer", "", "file with the answer")
	certificate, key := pair(flags)
	flags.Parse(arguments)
	body, err := os.ReadFile(*answer)
	if err != nil {
		return err
	}
	return serve(*certificate, *key, func(string) http.Handler {
		return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
			if _, err := io.ReadAll(request.Body); err != nil {
				return
			}
			writer.Header().Set("Content-Type", "application/json")
			writer.Header().Set("Content-Length", strconv.Itoa(len(body)))
			writer.Write(body)
		})
	})
}

// registry has every manifest, for whoever brings a token of its own token server.
func registry(arguments []string) error {
	flags := flag.NewFlagSet("registry", flag.ExitOnError)
	certificate, key := pair(flags)
	flags.Parse(arguments)
	return serve(*certificate, *key, func(address string) http.Handler {
		mux := http.NewServeMux()
		challenge := fmt.Sprintf(`Bearer realm="https://%s/token",service="bench"`, address)
		mux.HandleFunc("/v2/", func(writer http.ResponseWriter, request *http.Request) {
			if request.Header.Get("Authorization") != "Bearer "+token {
				writer.Header().Set("WWW-Authenticate", challenge)
				writer.WriteHeader(http.StatusUnauthorized)
				return
			}
			writer.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			writer.Header().Set("Content-Length", "1609")
			writer.Header().Set("Docker-Content-Digest", digest)
		})
		mux.HandleFunc("/token", func(writer http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(writer).Encode(map[string]any{"token": token, "access_token": token, "expires_in": 3600})
		})
		return mux
	})
}

func pair(flags *flag.FlagSet) (certificate, key *string) {
	return flags.String("certificate", "", "file with the certificate"), flags.String("key", "", "file with its key")
}

// serve serves HTTP/1.1 over TLS on a free port of this machine, and says where.
func serve(certificate, key string, handler func(address string) http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	server := &http.Server{
		Handler:      handler(address),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	fmt.Println("listening on", address)
	return server.ServeTLS(listener, certificate, key)
}
