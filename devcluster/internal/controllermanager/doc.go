// Package controllermanager runs kube-controller-manager inside this process.
//
// In go a kubeconfig and the authority's files; out come the controllers that turn a
// Deployment into pods, make service accounts and tokens, and collect garbage. It serves
// no port and elects no leader: there is only one, and a lease renewed every two seconds
// would be noise in a log of requests that should be quiet at rest.
package controllermanager
