// Package chart is the room of what is known about charts beside rendering them: whether one is
// fit to be deployed (check), and what belongs to that.
//
// A chart on disk goes in; findings, rules and schemas come out. Nothing below it changes a chart
// or a cluster unless it was asked to by name, and nothing here reaches the network.
package chart
