// Command fairlead carries applications from Git to a healthy release in every environment.
package main

import (
	"os"

	"github.com/fairlead-cd/fairlead/internal/app"
)

func main() { os.Exit(app.Main()) }
