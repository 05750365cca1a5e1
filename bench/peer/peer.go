// SPDX-License-Identifier: Apache-2.0

// The peer of the module in bench/speed: POST /v4/access_tokens/update as a
// small Go service, with net/http, database/sql and straightforward SQL.
//
// It checks a call as the module does: JSON, types, session, permission,
// access token, rules, unique values. It leaves out custom_field_set,
// fields_set, the identifier with its pass code, generated values,
// Idempotency-Key, If-Match, Prefer, and an access log.
//
//	peer -listen ADDRESS -connections N     with the database in PEER_DSN
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type status struct {
	Code        string `json:"code"`
	Message     string `json:"message"`
	Description string `json:"description"`
}

func (s *service) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if h.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		refuse(w, &failure{405, "METHOD_NOT_ALLOWED", "Use POST.", nil})
		return
	}
	q, err := newRequest(h)
	if err != nil {
		refuse(w, err)
		return
	}
	r, err := s.change(q)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%s-%d"`, r.token.ID, r.version))
	answer(w, http.StatusOK, struct {
		Status status `json:"status"`
		Data   *token `json:"data"`
	}{status{Code: "OK"}, r.reply()})
}

func refuse(w http.ResponseWriter, err error) {
	var f *failure
	if !errors.As(err, &f) {
		log.Print(err)
		f = &failure{500, "INTERNAL_ERROR", "The log has the details.", nil}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	answer(w, f.status, struct {
		Status status      `json:"status"`
		Errors []violation `json:"errors,omitempty"`
	}{status{f.code, f.message, f.message}, f.violations})
}

func answer(w http.ResponseWriter, code int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		log.Print(err)
		code, text = 500, []byte(`{"status":{"code":"INTERNAL_ERROR"}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(code)
	w.Write(text)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "the address to listen to")
	connections := flag.Int("connections", 32, "connections to the database")
	flag.Parse()
	rand.Seed(time.Now().UnixNano())
	db, err := sql.Open("mysql", os.Getenv("PEER_DSN"))
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(*connections)
	db.SetMaxIdleConns(*connections)
	s, err := newService(db)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/v4/access_tokens/update", s)
	log.Fatal(http.ListenAndServe(*listen, nil))
}

// ---- errors

type violation struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// failure is an error with the reply that it causes.
type failure struct {
	status        int
	code, message string
	violations    []violation
}

func (f *failure) Error() string { return f.code + ": " + f.message }

var (
	invalidToken = &failure{401, "INVALID_TOKEN", "The session token is not valid.", nil}
	forbidden    = &failure{403, "FORBIDDEN", "The user may not update access tokens.", nil}
	notFound     = &failure{404, "ACCESS_TOKEN_NOT_FOUND", "There is no such access token.", nil}
)

func invalid(violations []violation) error {
	return &failure{422, "VALIDATION_FAILED", "Values are not valid.", violations}
}

// duplicate names the unique key that the error MESSAGE of MariaDB names.
func duplicate(message string) error {
	pointer := "/identifier"
	if strings.Contains(message, "access_tokens_authentication_code") {
		pointer = "/authentication_code"
	}
	return &failure{409, "DUPLICATE_VALUE", "Another access token has this value.",
		[]violation{{pointer, "DUPLICATE_VALUE", "Another access token has it."}}}
}
