// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// The reply.

// dateTime is a DATETIME as MariaDB writes it; JSON has a T for the blank.
type dateTime string

func (d dateTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(strings.Replace(string(d), " ", "T", 1))
}

func (d *dateTime) UnmarshalJSON(text []byte) error {
	for _, layout := range []string{`"2006-01-02T15:04:05"`, `"2006-01-02"`} {
		if t, err := time.Parse(layout, string(text)); err == nil && t.Year() >= 1000 {
			*d = dateTime(t.Format(sqlTime))
			return nil
		}
	}
	return errors.New("not a date")
}

type unit struct {
	ID              *string `json:"id"`
	Name            *string `json:"name"`
	Description     *string `json:"description"`
	AlternativeCode *string `json:"alternative_code"`
	GroupName       *string `json:"group_name"`
	CommunityName   *string `json:"community_name"`
}

type user struct {
	ID         *string `json:"id"`
	Username   *string `json:"username"`
	PersonName *string `json:"person_name"`
	Email      *string `json:"email,omitempty"`
}

type country struct {
	ID                 *string `json:"id"`
	Name               *string `json:"name"`
	AlternativeCode    *string `json:"alternative_code"`
	TwoCharacterCode   *string `json:"two_character_code"`
	ThreeCharacterCode *string `json:"three_character_code"`
}

type nameDay struct {
	Day   *int `json:"day"`
	Month *int `json:"month"`
}

type birthDate struct {
	Day   *int `json:"day"`
	Month *int `json:"month"`
	Year  *int `json:"year"`
}

type demographics struct {
	Gender                  *string   `json:"gender"`
	SocialSecurityNumber    *string   `json:"social_security_number"`
	PassportNumber          *string   `json:"passport_number"`
	PassportIssuedByCountry *country  `json:"passport_issued_by_country"`
	IDNumber                *string   `json:"id_number"`
	IDIssuedByCountry       *country  `json:"id_issued_by_country"`
	CountryOfResidence      *country  `json:"country_of_residence,omitempty"`
	Industry                *string   `json:"industry"`
	IndustrySector          *string   `json:"industry_sector"`
	NameDay                 nameDay   `json:"name_day"`
	DateOfBirth             birthDate `json:"date_of_birth"`
}

type contact struct {
	ID             *string      `json:"id"`
	Type           *string      `json:"type"`
	LifeCycleState *string      `json:"life_cycle_state"`
	Title          *string      `json:"title"`
	FirstName      *string      `json:"first_name"`
	MiddleName     *string      `json:"middle_name"`
	LastName       *string      `json:"last_name"`
	Name           *string      `json:"name"`
	CompanyName    *string      `json:"company_name"`
	CompanyProfile *string      `json:"company_profile"`
	Demographics   demographics `json:"demographics"`
}

type account struct {
	ID             *string  `json:"id"`
	Number         *string  `json:"number"`
	Name           *string  `json:"name"`
	LifeCycleState *string  `json:"life_cycle_state"`
	AccountOwner   *contact `json:"account_owner"`
}

type participant struct {
	ID                 *string  `json:"id"`
	Number             *string  `json:"number"`
	AccountsReceivable *account `json:"accounts_receivable"`
}

type classification struct {
	ID              *string `json:"id"`
	Name            *string `json:"name"`
	AlternativeCode *string `json:"alternative_code"`
}

type logInformation struct {
	CreatedDate   dateTime `json:"created_date"`
	CreatedByUser *user    `json:"created_by_user"`
	CreatedByUnit *unit    `json:"created_by_unit"`
	UpdatedDate   dateTime `json:"updated_date"`
	UpdatedByUser *user    `json:"updated_by_user"`
	UpdatedByUnit *unit    `json:"updated_by_unit"`
}

type token struct {
	ID                 string           `json:"id"`
	Number             string           `json:"number"`
	LifeCycleState     string           `json:"life_cycle_state"`
	AuthenticationCode *string          `json:"authentication_code"`
	Identifier         *string          `json:"identifier"`
	CardMaskedNumber   *string          `json:"card_masked_number,omitempty"`
	Classification     *classification  `json:"classification,omitempty"`
	UDFString1         *string          `json:"udf_string_1,omitempty"`
	UDFString2         *string          `json:"udf_string_2,omitempty"`
	UDFString3         *string          `json:"udf_string_3,omitempty"`
	UDFString4         *string          `json:"udf_string_4,omitempty"`
	UDFString5         *string          `json:"udf_string_5,omitempty"`
	UDFString6         *string          `json:"udf_string_6,omitempty"`
	UDFString7         *string          `json:"udf_string_7,omitempty"`
	UDFString8         *string          `json:"udf_string_8,omitempty"`
	UDFFloat1          *float64         `json:"udf_float_1,omitempty"`
	UDFFloat2          *float64         `json:"udf_float_2,omitempty"`
	UDFFloat3          *float64         `json:"udf_float_3,omitempty"`
	UDFFloat4          *float64         `json:"udf_float_4,omitempty"`
	UDFDate1           *dateTime        `json:"udf_date_1,omitempty"`
	UDFDate2           *dateTime        `json:"udf_date_2,omitempty"`
	UDFDate3           *dateTime        `json:"udf_date_3,omitempty"`
	UDFDate4           *dateTime        `json:"udf_date_4,omitempty"`
	CustomFieldSet     *json.RawMessage `json:"custom_field_set,omitempty"`
	VerifiedDate       *dateTime        `json:"verified_date,omitempty"`
	VerificationCode   *string          `json:"verification_code,omitempty"`
	LogInformation     logInformation   `json:"log_information"`
	AccountsReceivable *account         `json:"accounts_receivable"`
	RewardParticipant  *participant     `json:"reward_participant"`
}

// reply completes the token with what belongs to it.
func (r *row) reply() *token {
	t := &r.token
	l := &t.LogInformation
	if r.classification.ID != nil {
		t.Classification = &r.classification
	}
	l.UpdatedByUser = &r.caller
	if r.callerUnit.ID != nil {
		l.UpdatedByUnit = &r.callerUnit
	}
	if r.creator.ID != nil {
		l.CreatedByUser = &r.creator
	}
	if r.creatorUnit.ID != nil {
		l.CreatedByUnit = &r.creatorUnit
	}
	r.owner.Demographics.CountryOfResidence = r.residence.orNil()
	t.AccountsReceivable = r.account.with(r.owner.with(&r.passport, &r.identity))
	// This owner comes without its name and its country of residence.
	r.participantOwner.Name = nil
	if r.participant.ID != nil {
		t.RewardParticipant = &r.participant
		r.participant.AccountsReceivable = r.participantAccount.with(
			r.participantOwner.with(&r.participantPassport, &r.participantIdentity))
	}
	return t
}

func (c *country) orNil() *country {
	if c.ID == nil {
		return nil
	}
	return c
}

func (c *contact) with(passport, identity *country) *contact {
	if c.ID == nil {
		return nil
	}
	c.Demographics.PassportIssuedByCountry = passport.orNil()
	c.Demographics.IDIssuedByCountry = identity.orNil()
	return c
}

func (a *account) with(owner *contact) *account {
	if a.ID == nil {
		return nil
	}
	a.AccountOwner = owner
	return a
}
