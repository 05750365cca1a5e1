// SPDX-License-Identifier: Apache-2.0

package main

import (
	"database/sql"
	"errors"
	"math/rand"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	attempts   = 10
	sqlTime    = "2006-01-02 15:04:05"
	duplicated = 1062 // the error of MariaDB for a unique key
)

// column is a column of the load statement, and where its value goes.
type column struct {
	table, name string // table: with its dot
	value       any
}

type credentialRules struct {
	creation, format                             string
	minLength, minLetters, minDigits, minSpecial int
}

// row is what the load statement reads.
type row struct {
	token                                     token
	version                                   uint64
	passCode                                  *string
	mayUpdate                                 bool
	caller, creator                           user
	callerUnit, creatorUnit                   unit
	classification                            classification
	account, participantAccount               account
	participant                               participant
	owner, participantOwner                   contact
	residence, passport, identity             country
	participantPassport, participantIdentity  country
	codeRules, identifierRules, passCodeRules credentialRules
	allowNoIdentifier                         bool
}

func (u *user) columns(table string) []column {
	return []column{{table, "id", &u.ID}, {table, "username", &u.Username},
		{table, "person_name", &u.PersonName}, {table, "email", &u.Email}}
}

func (u *unit) columns(table string) []column {
	return []column{{table, "id", &u.ID}, {table, "name", &u.Name},
		{table, "description", &u.Description}, {table, "alternative_code", &u.AlternativeCode},
		{table, "group_name", &u.GroupName}, {table, "community_name", &u.CommunityName}}
}

func (c *country) columns(table string) []column {
	return []column{{table, "id", &c.ID}, {table, "name", &c.Name},
		{table, "alternative_code", &c.AlternativeCode},
		{table, "two_character_code", &c.TwoCharacterCode},
		{table, "three_character_code", &c.ThreeCharacterCode}}
}

func (a *account) columns(table string) []column {
	return []column{{table, "id", &a.ID}, {table, "number", &a.Number}, {table, "name", &a.Name},
		{table, "life_cycle_state", &a.LifeCycleState}}
}

func (c *contact) columns(table string) []column {
	d := &c.Demographics
	return []column{{table, "id", &c.ID}, {table, "type", &c.Type},
		{table, "life_cycle_state", &c.LifeCycleState}, {table, "title", &c.Title},
		{table, "first_name", &c.FirstName}, {table, "middle_name", &c.MiddleName},
		{table, "last_name", &c.LastName}, {table, "name", &c.Name},
		{table, "company_name", &c.CompanyName}, {table, "company_profile", &c.CompanyProfile},
		{table, "gender", &d.Gender}, {table, "social_security_number", &d.SocialSecurityNumber},
		{table, "passport_number", &d.PassportNumber}, {table, "id_number", &d.IDNumber},
		{table, "industry", &d.Industry}, {table, "industry_sector", &d.IndustrySector},
		{table, "name_day_day", &d.NameDay.Day}, {table, "name_day_month", &d.NameDay.Month},
		{table, "birth_day", &d.DateOfBirth.Day}, {table, "birth_month", &d.DateOfBirth.Month},
		{table, "birth_year", &d.DateOfBirth.Year}}
}

func (c *credentialRules) columns(prefix string) []column {
	return []column{{prefix, "creation", &c.creation}, {prefix, "format", &c.format},
		{prefix, "min_length", &c.minLength}, {prefix, "min_letters", &c.minLetters},
		{prefix, "min_digits", &c.minDigits}, {prefix, "min_special", &c.minSpecial}}
}

// settable has the columns that a call may set, in the order of the save
// statement.
func (r *row) settable() []column {
	t := &r.token
	return []column{{"token.", "authentication_code", &t.AuthenticationCode},
		{"token.", "identifier", &t.Identifier}, {"token.", "pass_code", &r.passCode},
		{"token.", "card_masked_number", &t.CardMaskedNumber},
		{"token.", "udf_string_1", &t.UDFString1}, {"token.", "udf_string_2", &t.UDFString2},
		{"token.", "udf_string_3", &t.UDFString3}, {"token.", "udf_string_4", &t.UDFString4},
		{"token.", "udf_string_5", &t.UDFString5}, {"token.", "udf_string_6", &t.UDFString6},
		{"token.", "udf_string_7", &t.UDFString7}, {"token.", "udf_string_8", &t.UDFString8},
		{"token.", "udf_float_1", &t.UDFFloat1}, {"token.", "udf_float_2", &t.UDFFloat2},
		{"token.", "udf_float_3", &t.UDFFloat3}, {"token.", "udf_float_4", &t.UDFFloat4},
		{"token.", "udf_date_1", &t.UDFDate1}, {"token.", "udf_date_2", &t.UDFDate2},
		{"token.", "udf_date_3", &t.UDFDate3}, {"token.", "udf_date_4", &t.UDFDate4}}
}

// columns has all columns of the load statement.
func (r *row) columns() []column {
	t := &r.token
	list := append(r.settable(), []column{{"token.", "id", &t.ID}, {"token.", "version", &r.version},
		{"token.", "number", &t.Number}, {"token.", "life_cycle_state", &t.LifeCycleState},
		{"token.", "custom_field_set", &t.CustomFieldSet},
		{"token.", "verified_date", &t.VerifiedDate},
		{"token.", "verification_code", &t.VerificationCode},
		{"token.", "created_date", &t.LogInformation.CreatedDate},
		{"caller.", "may_update_access_tokens", &r.mayUpdate},
		{"rules.", "allow_no_identifier", &r.allowNoIdentifier},
		{"classification.", "id", &r.classification.ID},
		{"classification.", "name", &r.classification.Name},
		{"classification.", "alternative_code", &r.classification.AlternativeCode},
		{"participant.", "id", &r.participant.ID}, {"participant.", "number", &r.participant.Number}}...)
	for _, more := range [][]column{
		r.codeRules.columns("rules.authentication_code_"),
		r.identifierRules.columns("rules.identifier_"), r.passCodeRules.columns("rules.pass_code_"),
		r.caller.columns("caller."), r.callerUnit.columns("caller_unit."),
		r.creator.columns("creator."), r.creatorUnit.columns("creator_unit."),
		r.account.columns("account."), r.owner.columns("owner."),
		r.residence.columns("residence."), r.passport.columns("passport."),
		r.identity.columns("identity."), r.participantAccount.columns("participant_account."),
		r.participantOwner.columns("participant_owner."),
		r.participantPassport.columns("participant_passport."),
		r.participantIdentity.columns("participant_identity."),
	} {
		list = append(list, more...)
	}
	return list
}

const loadTables = `
  FROM access_token_sessions AS session
  JOIN users AS caller ON caller.id = session.user_id
  JOIN access_tokens AS token ON token.authentication_code = ?
  LEFT JOIN access_token_classifications AS classification
         ON classification.id = token.classification_id
  LEFT JOIN access_token_definitions AS definition ON definition.active = 1
  JOIN access_token_rule_sets AS rules
         ON rules.id = COALESCE(classification.rule_set_id, definition.rule_set_id)
  LEFT JOIN units AS caller_unit ON caller_unit.id = COALESCE(session.unit_id, caller.default_unit_id)
  LEFT JOIN users AS creator ON creator.id = token.created_by_user_id
  LEFT JOIN units AS creator_unit ON creator_unit.id = token.created_by_unit_id
  LEFT JOIN accounts_receivable AS account ON account.id = token.accounts_receivable_id
  LEFT JOIN contacts AS owner ON owner.id = account.owner_id
  LEFT JOIN countries AS residence ON residence.id = owner.country_of_residence_id
  LEFT JOIN countries AS passport ON passport.id = owner.passport_issued_by_country_id
  LEFT JOIN countries AS identity ON identity.id = owner.id_issued_by_country_id
  LEFT JOIN reward_participants AS participant ON participant.id = token.reward_participant_id
  LEFT JOIN accounts_receivable AS participant_account
         ON participant_account.id = participant.accounts_receivable_id
  LEFT JOIN contacts AS participant_owner ON participant_owner.id = participant_account.owner_id
  LEFT JOIN countries AS participant_passport
         ON participant_passport.id = participant_owner.passport_issued_by_country_id
  LEFT JOIN countries AS participant_identity
         ON participant_identity.id = participant_owner.id_issued_by_country_id
 WHERE session.token_digest = ? AND session.expires_at > ?`

// service has the statements. Each is prepared once on each connection.
type service struct {
	load, permission, save *sql.Stmt
}

func newService(db *sql.DB) (*service, error) {
	var s service
	var loaded, saved []string
	for _, c := range new(row).columns() {
		loaded = append(loaded, c.table+c.name)
	}
	for _, c := range new(row).settable() {
		saved = append(saved, c.name+" = ?")
	}
	for _, one := range []struct {
		statement **sql.Stmt
		text      string
	}{
		{&s.load, "SELECT " + strings.Join(loaded, ", ") + loadTables},
		{&s.permission, `SELECT caller.may_update_access_tokens FROM access_token_sessions AS session
		   JOIN users AS caller ON caller.id = session.user_id
		  WHERE session.token_digest = ? AND session.expires_at > ?`},
		{&s.save, "UPDATE access_tokens SET " + strings.Join(saved, ", ") + `, version = version + 1,
		     updated_date = ?, updated_by_user_id = ?, updated_by_unit_id = ?
		  WHERE id = ? AND version = ?`},
	} {
		var err error
		if *one.statement, err = db.Prepare(one.text); err != nil {
			return nil, err
		}
	}
	return &s, nil
}

// read loads the access token of q with all that the call needs.
func (s *service) read(q *request, now string) (*row, error) {
	r := new(row)
	var targets []any
	for _, c := range r.columns() {
		targets = append(targets, c.value)
	}
	err := s.load.QueryRow(q.code, q.digest, now).Scan(targets...)
	if err == sql.ErrNoRows {
		return nil, s.missing(q, now)
	} else if err != nil {
		return nil, err
	} else if !r.mayUpdate {
		return nil, forbidden
	}
	return r, nil
}

// missing finds out why the load statement has found no row.
func (s *service) missing(q *request, now string) error {
	var mayUpdate bool
	err := s.permission.QueryRow(q.digest, now).Scan(&mayUpdate)
	if err == sql.ErrNoRows {
		return invalidToken
	} else if err != nil {
		return err
	} else if !mayUpdate {
		return forbidden
	}
	return notFound
}

// write saves r, unless another call has saved since r was read.
func (s *service) write(r *row, now string) (saved bool, err error) {
	var values []any
	for _, c := range r.settable() {
		values = append(values, c.value)
	}
	values = append(values, now, r.caller.ID, r.callerUnit.ID, r.token.ID, r.version)
	result, err := s.save.Exec(values...)
	var server *mysql.MySQLError
	if errors.As(err, &server) && server.Number == duplicated {
		return false, duplicate(server.Message)
	} else if err != nil {
		return false, err
	}
	count, err := result.RowsAffected()
	return count == 1, err
}

// change makes the call q. If another call saves first, it starts again.
func (s *service) change(q *request) (*row, error) {
	for attempt := 0; attempt < attempts; attempt++ {
		now := time.Now().UTC().Format(sqlTime)
		r, err := s.read(q, now)
		if err != nil {
			return nil, err
		}
		r.apply(q.members)
		if _, sent := q.members["pass_code"]; sent {
			r.passCode = q.passCodeHash
		}
		if violations := r.judge(q); violations != nil {
			return nil, invalid(violations)
		}
		saved, err := s.write(r, now)
		if err != nil {
			return nil, err
		} else if saved {
			r.version++
			r.token.LogInformation.UpdatedDate = dateTime(now)
			return r, nil
		}
		time.Sleep(time.Duration(1+rand.Intn(32)) * time.Millisecond)
	}
	return nil, &failure{409, "VERSION_CONFLICT", "Other calls changed the access token.", nil}
}
