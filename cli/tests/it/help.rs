//! Help and completions.

use insta::assert_snapshot;

use crate::context::TestContext;

#[test]
fn help_shows_every_command() {
    assert_snapshot!(TestContext::empty().run(&["--help"]), @"
    exit: 0
    --- stdout
    Take a shop of microservices from source to a verified, Git-synced deployment on Kubernetes

    Usage: ecomctl [OPTIONS] <COMMAND>

    Commands:
      init         Make a new shop: three services, their spec, their manifests, a first commit
      up           Compile the services, run them on this machine behind a gateway, and check them
      logs         Print what services have logged: those of `ecomctl up`, or of an environment's pods
      build        Compile the services and make their images in the Docker engine
      push         Push the images to the registry, and pin their digests in `ecomctl.lock`
      images       List the images that were built in this folder, or remove old ones
      doctor       See whether this machine has what the platform needs
      render       Write the Kubernetes and Argo CD manifests of an environment
      diff         Show what would change: what is rendered now, against the last commit or another
                   environment
      graph        Draw the services of an environment, their calls and stores, the gateway and what is
                   installed beside
      promote      Give an environment the images of another one, as one commit
      rollback     Give an environment the images that it had before, as one commit
      lint         Look for what is wrong with the manifests of an environment, without a cluster
      bootstrap    Take the shop to a cluster: images, Argo CD, repository, sync, check
      status       Show what runs in the cluster: Applications, workloads, pods, images
      open         Forward a port of this machine to Argo CD or to the shop
      destroy      Remove the shop and Argo CD from the cluster, as far as ecomctl has made them
      verify       Check a running shop from outside: list, view, add to cart, order, cancel
      schema       Print the JSON Schema of `ecomctl.yaml`
      completions  Print completions for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -C, --directory <DIR>
              Run as if started in this folder

          --output <OUTPUT>
              How to write results to stdout

              Possible values:
              - text: For people
              - json: For programs
              
              [env: ECOMCTL_OUTPUT=]
              [default: text]

          --color <WHEN>
              When to use colour
              
              [default: auto]
              [possible values: auto, always, never]

      -q, --quiet
              Write no status, only results, warnings and errors

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      ecomctl init shop && cd shop                  make a new shop
      ecomctl up                                    run it on this machine and check it
      ecomctl bootstrap                             take it to a cluster, synced from git and checked
      ecomctl status                                see what runs there
      ecomctl doctor                                see what this machine lacks
      ecomctl build --push                          make the images, push them and pin their digests
      ecomctl render --commit --push                commit manifests of these digests for Argo CD
      ecomctl render                                write the Kubernetes manifests that would deploy it
      ecomctl verify --url http://localhost:8000    check a shop that runs
      ecomctl schema > docs/ecomctl.schema.json     let an editor know `ecomctl.yaml`
      ecomctl completions bash                      print completions for a shell

    Exit codes: 0 done, 1 failed, 2 wrong usage or invalid spec, 3 a check found a difference, 130
    interrupted
    --- stderr
    ");
}

#[test]
fn every_command_has_an_example() {
    for command in ["init", "up", "render", "verify", "schema", "completions"] {
        let help = TestContext::empty().run(&[command, "--help"]);
        assert!(help.contains(&format!("Examples:\n  ecomctl {command}")), "{help}");
    }
}

#[test]
fn a_mistyped_command_is_wrong_usage() {
    assert_snapshot!(TestContext::empty().run(&["rendr"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'rendr'

      tip: a similar subcommand exists: 'render'

    Usage: ecomctl [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = TestContext::empty().output(&["completions", shell]);
        assert!(output.status.success() && output.stderr.is_empty());
        assert!(String::from_utf8(output.stdout).unwrap().contains("render"), "{shell}");
    }
}

#[test]
fn nothing_but_a_terminal_gets_colour_unless_asked() {
    let context = TestContext::empty();
    let escape = |args: &[&str], variables: &[(&str, &str)]| {
        let output = context.command(args).envs(variables.iter().copied()).output().unwrap();
        output.stderr.contains(&0x1b)
    };
    assert!(!escape(&["render"], &[]));
    assert!(escape(&["render", "--color", "always"], &[]));
    assert!(!escape(&["render", "--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(escape(&["render"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!escape(&["render"], &[("CLICOLOR_FORCE", "0"), ("NO_COLOR", "1")]));
}
