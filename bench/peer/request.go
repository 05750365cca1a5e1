// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"
)

const bodyLimit = 64 << 10

// request is a call whose JSON and types are right.
type request struct {
	members      map[string]json.RawMessage
	digest       string // of the session token
	code         string // names the access token
	passCodeHash *string
}

func newRequest(h *http.Request) (*request, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, h.Body, bodyLimit))
	if err != nil {
		return nil, &failure{413, "REQUEST_TOO_LARGE", "The body has more than 64 KiB.", nil}
	}
	q := &request{}
	if err := json.Unmarshal(body, &q.members); err != nil || q.members == nil || !utf8.Valid(body) {
		return nil, &failure{400, "INVALID_JSON", "The body is not a JSON object.", nil}
	}
	violations := q.identify()
	violations = append(violations, new(row).apply(q.members)...)
	if violations != nil {
		return nil, invalid(violations)
	}
	session, err := q.session(h.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(session))
	q.digest = hex.EncodeToString(digest[:])
	return q, q.hashPassCode()
}

var known = knownParameters()

func knownParameters() map[string]bool {
	names := map[string]bool{"token": true, "access_token_identifier": true}
	for _, c := range new(row).settable() {
		names[c.name] = true
	}
	return names
}

// identify finds the code of the access token, and unknown parameters.
func (q *request) identify() (violations []violation) {
	for name := range q.members {
		if !known[name] {
			violations = append(violations, violation{"/" + name, "UNKNOWN_PARAMETER", "There is no such parameter."})
		}
	}
	const pointer = "/access_token_identifier"
	var identifier map[string]*string
	raw, sent := q.members["access_token_identifier"]
	err := json.Unmarshal(raw, &identifier)
	code, named := identifier["authentication_code"]
	switch {
	case !sent:
		violations = append(violations, violation{pointer, "MANDATORY", "It is missing."})
	case err != nil || identifier == nil:
		violations = append(violations, violation{pointer, "INVALID_TYPE", "It has a wrong type."})
	case !named || len(identifier) != 1:
		violations = append(violations, violation{pointer, "EXACTLY_ONE_OF", "It needs a code."})
	case code == nil:
		violations = append(violations,
			violation{pointer + "/authentication_code", "INVALID_TYPE", "It has a wrong type."})
	default:
		q.code = *code
	}
	return violations
}

// session is the session token, from the member or from the header.
func (q *request) session(header string) (string, error) {
	var member *string
	if raw, sent := q.members["token"]; sent {
		if json.Unmarshal(raw, &member) != nil || member == nil {
			return "", invalid([]violation{{"/token", "INVALID_TYPE", "It has a wrong type."}})
		}
	}
	bearer := strings.TrimPrefix(header, "Bearer ")
	switch {
	case member == nil && bearer == "":
		return "", invalidToken
	case member == nil:
		return bearer, nil
	case bearer != "" && bearer != *member:
		return "", &failure{400, "INVALID_REQUEST", "Header and body have different tokens.", nil}
	}
	return *member, nil
}

func (q *request) hashPassCode() error {
	var passCode *string
	if raw, sent := q.members["pass_code"]; !sent || json.Unmarshal(raw, &passCode) != nil || passCode == nil {
		return nil
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(*passCode), bcrypt.DefaultCost)
	text := string(hash)
	q.passCodeHash = &text
	return err
}

// apply sets the columns that MEMBERS has, and checks the types of the values.
func (r *row) apply(members map[string]json.RawMessage) (violations []violation) {
	for _, c := range r.settable() {
		raw, sent := members[c.name]
		if !sent {
			continue
		}
		err := json.Unmarshal(raw, c.value)
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			violations = append(violations, violation{"/" + c.name, "INVALID_TYPE", "It has a wrong type."})
		} else if err != nil {
			violations = append(violations, violation{"/" + c.name, "INVALID_FORMAT", "It has a wrong format."})
		} else if text, ok := c.value.(**string); ok && *text != nil && tooLong(c.name, **text) {
			violations = append(violations, violation{"/" + c.name, "TOO_LONG", "It is too long."})
		}
	}
	return violations
}

func tooLong(name, text string) bool {
	switch name {
	case "pass_code":
		return len(text) > 72 // bcrypt takes no more
	case "card_masked_number":
		return utf8.RuneCountInString(text) > 32
	}
	return utf8.RuneCountInString(text) > 255
}

// ---- the rules

var formats = map[string]*regexp.Regexp{
	"EMAIL":  regexp.MustCompile(`^[^@\s.]+(\.[^@\s.]+)*@[\w-]+(\.[\w-]+)*$`),
	"PHONE":  regexp.MustCompile(`^\+?[0-9]+$`),
	"NUMBER": regexp.MustCompile(`^[0-9]+$`),
}

// judge checks the row as it would be after the call.
func (r *row) judge(q *request) (violations []violation) {
	for _, c := range []struct {
		name  string
		rules *credentialRules
	}{{"authentication_code", &r.codeRules}, {"identifier", &r.identifierRules}, {"pass_code", &r.passCodeRules}} {
		var text *string
		if raw, sent := q.members[c.name]; sent && json.Unmarshal(raw, &text) == nil && text != nil {
			violations = append(violations, c.rules.judge("/"+c.name, *text)...)
		}
	}
	if r.token.AuthenticationCode == nil {
		violations = append(violations, violation{"/authentication_code", "MANDATORY", "It cannot be null."})
	}
	// Both or, if the rules allow it, neither; a new identifier comes with a pass code.
	_, hasNew := q.members["identifier"]
	some := r.token.Identifier != nil || r.passCode != nil
	if some || !r.allowNoIdentifier {
		if r.token.Identifier == nil {
			violations = append(violations, violation{"/identifier", "MANDATORY", "It cannot be null."})
		}
		if r.passCode == nil || hasNew && q.passCodeHash == nil {
			violations = append(violations, violation{"/pass_code", "MANDATORY", "It cannot be null."})
		}
	}
	return violations
}

// judge checks the value TEXT of a credential.
func (c *credentialRules) judge(pointer, text string) (violations []violation) {
	wrong := func(code, message string) {
		violations = append(violations, violation{pointer, code, message})
	}
	if text == "" {
		wrong("MANDATORY", "It is empty.")
	} else if text != strings.TrimSpace(text) || strings.IndexFunc(text, unicode.IsControl) >= 0 {
		wrong("INVALID_FORMAT", "It has blanks at an end, or control characters.")
	}
	if c.creation != "NONE" || text == "" {
		return violations
	}
	if format := formats[c.format]; format != nil && !format.MatchString(text) {
		wrong("INVALID_FORMAT", "It has a wrong format.")
	}
	var letters, digits, special int
	for _, letter := range text {
		switch {
		case letter >= '0' && letter <= '9':
			digits++
		case !unicode.IsLetter(letter):
			special++
		default:
			letters++
		}
	}
	if letters+digits+special < c.minLength {
		wrong("TOO_SHORT", fmt.Sprintf("It needs %d characters.", c.minLength))
	}
	if c.format == "PHONE" || c.format == "NUMBER" {
		return violations
	}
	if letters < c.minLetters {
		wrong("TOO_FEW_LETTERS", fmt.Sprintf("It needs %d letters.", c.minLetters))
	}
	if digits < c.minDigits {
		wrong("TOO_FEW_DIGITS", fmt.Sprintf("It needs %d digits.", c.minDigits))
	}
	if special < c.minSpecial {
		wrong("TOO_FEW_SPECIAL", fmt.Sprintf("It needs %d special characters.", c.minSpecial))
	}
	return violations
}
