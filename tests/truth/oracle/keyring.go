package main

import (
	"fmt"
	"reflect"
	"strconv"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
)

// The key that the kubelet falls back to, under which alone it then looks (keyring.go defaultRegistryHost).
const fallbackKey = "index.docker.io"

// answerKeyring does what makeLookupPullCredentialsFunc of pkg/kubelet/images does, on a node without logins of its own.
//
// Credentials that one secret has under several spellings of one key come in the order of a Go map, which is random:
// they stand side by side, with the same `secret` and `key`.
func answerKeyring(image string, given []secret) answer {
	repository, _, _, err := parsers.ParseImageName(image)
	if err != nil {
		return answer{"invalid": withoutImage(err, image)}
	}
	pullSecrets := make([]v1.Secret, len(given))
	for index, one := range given {
		name := metav1.ObjectMeta{Name: strconv.Itoa(index)}
		pullSecrets[index] = v1.Secret{ObjectMeta: name, Type: v1.SecretType(one.Type), Data: one.Data}
	}
	keyring, err := secrets.MakeDockerKeyring(pullSecrets, credentialprovider.UnionDockerKeyring{})
	if err != nil {
		return answer{"error": err.Error()}
	}
	found, _ := keyring.Lookup(repository)
	keys := keysOf(keyring.(credentialprovider.UnionDockerKeyring), repository, len(found))
	if len(keys) != len(found) {
		panic(fmt.Sprintf("%d credentials for %s, but %d keys", len(found), repository, len(keys)))
	}
	credentials := make([]answer, len(found))
	for index, one := range found {
		secret, err := strconv.Atoi(one.Source.Secret.Name)
		if err != nil {
			panic(err)
		}
		credentials[index] = answer{
			"username": one.Username, "password": one.Password, "secret": secret, "key": keys[index],
		}
	}
	return answer{"credentials": credentials}
}

// keysOf says for each credential that the keyring gives under which key it keeps it. The keyring does not tell; its
// private fields do.
func keysOf(union credentialprovider.UnionDockerKeyring, repository string, expected int) []string {
	if len(union) == 0 {
		return nil
	}
	keyring := reflect.ValueOf(union[0]).Elem()
	index, kept := keyring.FieldByName("index"), keyring.FieldByName("creds")
	var keys []string
	appendKey := func(key string) {
		if credentials := kept.MapIndex(reflect.ValueOf(key)); credentials.IsValid() {
			for range credentials.Len() {
				keys = append(keys, key)
			}
		}
	}
	for position := range index.Len() {
		key := index.Index(position).String()
		if matched, _ := credentialprovider.URLsMatchStr(key, repository); matched {
			appendKey(key)
		}
	}
	if len(keys) == 0 && expected > 0 {
		appendKey(fallbackKey)
	}
	return keys
}
