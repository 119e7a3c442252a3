"""Words of the command line: valid ones are taken literally, all others are rejected in one line."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bnlab import registry
from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.config.overrides import check
from bnlab.config.validate import validate
from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.sweeps.layout.plugin import register
from bnlab.verbs import hydra
from bnlab.verbs.flags import parse

Call = Callable[..., Any]

NORM = """
from bnlab.norms.base import Norm

class Eigen(Norm):
    name = "eigen"

    def forward(self, x):
        return x
"""

# words: (the option that they set, its value)
TAKEN: dict[str, tuple[str, object]] = {
    "study=études": ("study", "études"),
    "study=日本語": ("study", "日本語"),
    "study=2024": ("study", "2024"),
    "study=007": ("study", "007"),
    "study=1e5": ("study", "1e5"),
    "study=true": ("study", "true"),
    "study=None": ("study", "None"),
    "study=nan": ("study", "nan"),
    "study=null": ("study", None),
    "study='a b'": ("study", "a b"),
    "study=a b": ("study", "a b"),
    "study=a=b": ("study", "a=b"),
    "study=Photos (2)": ("study", "Photos (2)"),
    "study=o'brien": ("study", "o'brien"),
    "study=[x]": ("study", "[x]"),
    "study=$(whoami)": ("study", "$(whoami)"),
    "study=#1: a?": ("study", "#1: a?"),
    "study=${seed}": ("study", "${seed}"),
    "data=mnist data.root=/home/josé/pics": ("data.root", "/home/josé/pics"),
    "data=mnist data.root=/tmp/a=b": ("data.root", "/tmp/a=b"),
    "data=mnist data.root=/tmp/Photos (2)": ("data.root", "/tmp/Photos (2)"),
    "data=mnist data.root=C:\\data": ("data.root", "C:\\data"),
    "data=mnist data.root='/tmp/a,b'": ("data.root", "/tmp/a,b"),
    "output_dir=~/out": ("output_dir", "~/out"),
    "output_dir=[a]": ("output_dir", "[a]"),
    "freeze=[units.0.*]": ("freeze", ["units.0.*"]),
    "seed=1_000": ("seed", 1000),
    "seed=+1": ("seed", 1),
    "++seed=3": ("seed", 3),
    "optim.lr=.1": ("optim.lr", 0.1),
    "optim.lr=1e-3": ("optim.lr", 0.001),
    "optim.lr= 0.1 ": ("optim.lr", 0.1),
    "rerun=True": ("rerun", True),
    "epochs=3 steps=null": ("steps", None),
    "epochs=null steps=3": ("steps", 3),
    "experiment=null seed=1": ("seed", 1),
    "experiment=demo experiment=null": ("epochs", 10),
    "-- seed=4": ("seed", 4),
    "norm='layer'": ("norm.name", "layer"),
    "diagnostics=[off]": ("diagnostics", {}),
}

# words, of `train` unless they begin with a verb: words that the line must contain (the mistake and the remedy)
MISTAKES: dict[str, tuple[str, str]] = {
    # unknown choices
    "optim=0.1": ("optim=0.1 is not known", "optim.lr=0.1"),
    "model=256": ("model=256 is not known", "model.width=256"),
    "norm=null": ("norm=null", "norm=none"),
    "optim=null": ("optim=null", "bnlab list optim"),
    "diagnostics=null": ("diagnostics=null", "diagnostics=off"),
    "norm=../model/mlp": ("norm=../model/mlp: a choice is a name", "--config-dir DIR norm=mlp"),
    "norm=/etc/passwd": ("norm=/etc/passwd", "bnlab list norm"),
    "norm=~/x": ("norm=~/x", "--config-dir DIR norm=x"),
    "norm=./batch": ("norm=./batch", "norm=batch"),
    "norm=conf/norm/batch.yaml": ("norm=conf/norm/batch.yaml", "norm=batch"),
    "norm=batch.yaml": ("norm=batch.yaml", "norm=batch"),
    "norm=a/b": ("norm=a/b is not known", "available: batch"),
    "experiment=../../x": ("experiment=../../x", "DIR/experiment/x.yaml"),
    "experiment=": ("experiment= is not known", "demo"),
    "sweep experiment=demo,placement": ("experiment=demo,placement", "one at a time"),
    "model=_base": ("model=_base", "bnlab list model"),
    "norm=_base": ("norm=_base", "bnlab list norm"),
    "norm=*": ("norm=* is not known", "available: batch"),
    "norm=???": ("norm needs a choice", "norm=NAME"),
    "model=mlp placement=cell": ("placement=cell is not known", "recurrent nets, model=lstm"),
    "placement=nowhere": ("placement=nowhere", "available: after_act"),
    "model={width: 5}": ("model={width: 5}", "model.OPTION=VALUE"),
    "sweep norm=batch;layer": ("norm=batch;layer", "norm=batch,layer"),
    "sweep norm=batch layer": ("norm=batch layer", "norm=batch,layer"),
    "sweep norm=glob(x*)": ("norm=glob(x*) matches no norm", "available: batch"),
    "norm=batch,": ("norm=batch, has an empty value", "comma"),
    "norm=batch,,layer": ("norm=batch,,layer has an empty value", "comma"),
    "diagnostics=[light,,]": ("diagnostics=[light,,]", "comma"),
    "placement=after": ("placement=after is not known", "did you mean after_act?"),
    # misspelt options, and options of another choice
    "optim.learning_rate=0.1": ("optim.learning_rate is not an option", "did you mean optim.lr?"),
    "learning-rate=0.1": ("learning-rate is not an option", "did you mean optim.lr?"),
    "LearningRate=0.1": ("LearningRate is not an option", "did you mean optim.lr?"),
    "model.hidden=[10,10]": ("model.hidden is not an option", "did you mean model.width?"),
    "model.channels=8": ("model.channels is not an option", "did you mean model.width?"),
    "channels=1": ("channels is not an option", "did you mean data.channels?"),
    "momentum=0.9": ("momentum is not an option", "did you mean optim.momentum?"),
    "norm.beta=true": ("norm.beta is not an option", "did you mean norm.affine?"),
    "optim.beta=0.9": ("optim.beta is not an option", "did you mean optim.beta1?"),
    "wd=0.1": ("wd is not an option", "did you mean optim.weight_decay?"),
    "~bs": ("bs is not an option", "did you mean data.batch_size?"),
    "network=mlp": ("network is not an option", "did you mean model?"),
    "optim.nosuch=1": ("optim.nosuch is not an option", "available: optim.beta1, optim.beta2, optim.eps, optim.lr"),
    "norm=batch norm.groups=8": ("norm.groups is not an option of the norm chosen here; group has it",
                                 "choose another"),
    "sweep norm=batch,group norm.groups=8,16": ("norm.groups is not an option of norm=batch; group has it",
                                                "sweep each in a separate command with the same study="),
    # options removed, added, given twice
    "~clip": ("~clip: an option cannot be removed", "clip=null"),
    "~seed": ("~seed", "seed=VALUE"),
    "~norm": ("~norm", "norm=NAME"),
    "~norm=batch": ("~norm", "norm=NAME"),
    "~nosuch": ("nosuch is not an option", "--cfg job"),
    "~": ("~ has no key", "norm=batch"),
    "+seed=1": ("+seed", "without the +"),
    "+norm=batch": ("norm always has a choice", "write norm=batch"),
    "++norm=batch": ("norm always has a choice", "write norm=batch"),
    "+++seed=1": ("+++seed=1", "seed=1"),
    "++colour=red": ("colour is not an option", "available: accumulate"),
    "+": ("cannot read '+'", "key=value"),
    "epochs=3 steps=100": ("epochs=3 steps=100", "leave one out"),
    "sweep epochs=1,2 steps=100": ("epochs=1,2 steps=100", "leave one out"),
    "epochs=1 epochs=2 steps=1": ("epochs=2 steps=1", "leave one out"),
    # keys
    "=": ("= has no key", "norm=batch"),
    "=batch": ("=batch has no key", "norm=batch"),
    "a==b": ("a==b has two equals signs", "write a=b"),
    "study==a": ("study==a has two equals signs", "write study=a"),
    "no rm=batch": ("contains ' ' (U+0020 SPACE)", "a key is like optim.lr"),
    "norm =batch": ("norm =batch", "the space before the ="),
    "norm[0]=batch": ("contains '[' (U+005B LEFT SQUARE BRACKET)", "a key is like optim.lr"),
    "norm:=batch": ("contains ':' (U+003A COLON)", "a key is like optim.lr"),
    "norm:batch": ("cannot read 'norm:batch'", "key=value"),
    '"norm=batch"': ('"norm=batch": leave out the quotes', "norm=batch"),
    "'norm=batch'": ("leave out the quotes", "norm=batch"),
    ".norm=batch": (".norm=batch", "a key is like optim.lr"),
    "norm..eps=1": ("norm..eps=1", "a key is like optim.lr"),
    "1=1": ("1=1", "a key is like optim.lr"),
    "/norm=batch": ("/norm=batch", "a key is like optim.lr"),
    "norm@model=batch": ("norm@model=batch", "leave out @model"),
    "optim.lr@x=1": ("optim.lr@x=1", "leave out @x"),
    "batch": ("cannot read 'batch'", "norm=batch"),
    "model": ("cannot read 'model'", "model=NAME"),
    "-": ("cannot read '-'", "key=value"),
    "defaults=x": ("defaults is not an option", "--cfg job"),
    "norm._target_=os.system": ("norm._target_ is not an option", "norm."),
    # Hydra's own
    "hydra.run.dir=/tmp": ("hydra.run.dir=/tmp", "output_dir=DIR"),
    "hydra/launcher=nonsense": ("hydra/launcher=nonsense is not known", "bnlab"),
    "sweep hydra/sweeper=basic": ("hydra/sweeper=basic", "expands its grid itself"),
    "hydra.searchpath=[x]": ("hydra.searchpath=[x]", "--config-dir DIR"),
    "hydra.mode=MULTIRUN": ("hydra.mode=MULTIRUN", "bnlab sweep"),
    "hydra=x": ("hydra=x", "cannot be changed"),
    # flags
    "--optim.lr=0.1": ("--optim.lr=0.1", "without dashes, optim.lr=0.1"),
    "-optim.lr=0.1": ("-optim.lr=0.1", "without dashes, optim.lr=0.1"),
    "--fast": ("--fast is not a flag", "--help"),
    "--version": ("--version is not a flag", "--help"),
    "--experimental-rerun=x": ("--experimental-rerun is not a flag", "--help"),
    "--config-path /tmp": ("--config-path is not a flag", "--help"),
    "--config-name x": ("--config-name is not a flag", "--help"),
    "--conf x": ("--conf is not a flag", "--help"),
    "--cfg nonsense": ("--cfg/-c: invalid choice: 'nonsense'", "'job'"),
    "--cfg": ("--cfg/-c: expected one argument", "optim.lr=0.1"),
    "--config-dir": ("--config-dir/-cd: expected one argument", "optim.lr=0.1"),
    "--config-dir file.txt": ("--config-dir file.txt is a file", "norm/mine.yaml"),
    "--config-dir nowhere": ("--config-dir nowhere is not a folder", "norm/mine.yaml"),
    "--config-dir ~nosuchuser": ("--config-dir=~nosuchuser", "./~nosuchuser"),
    "--config-dir . --config-dir .": ("--config-dir is given twice", "leave one out"),
    "--cfg job --cfg all": ("--cfg is given twice", "leave one out"),
    "--cfg job --info": ("--cfg and --info", "leave one out"),
    "--resolve": ("--resolve", "requires --cfg job"),
    "--package optim": ("--package", "requires --cfg job"),
    "--cfg job --package nosuch": ("--package nosuch is not part", "--package optim"),
    "--info nonsense": ("--info/-i: invalid choice: 'nonsense'", "defaults-tree"),
    "--shell-completion": ("--shell-completion", "install=bash"),
    "plan --measure=1": ("--measure is not a flag", "--help"),
    "list --foo": ("--foo is not a flag", "--json"),
    "list --config-dir": ("--config-dir needs a folder", "norm/mine.yaml"),
    "list --config-dir file.txt": ("file.txt is a file", "norm/mine.yaml"),
    "list --config-dir . --config-dir .": ("--config-dir is given twice", "leave one out"),
    # numbers
    "optim.lr=": ("optim.lr=", "a number"),
    "optim.lr=0,1": ("optim.lr=0,1 lists several values", "optim.lr=0.1"),
    "optim.lr=[0.1,0.01]": ("optim.lr=[0.1,0.01] is a list", "`bnlab sweep optim.lr=0.1,0.01`"),
    "seed=[0,1,2]": ("seed=[0,1,2] is a list", "`bnlab sweep seed=0,1,2`"),
    "sweep optim.lr=0.1;0.2": ("optim.lr=0.1;0.2", "optim.lr=0.1,0.2"),
    "optim.lr=1e400": ("optim.lr=1e400 is too large", "1.7e308"),
    "optim.lr=1e-400": ("optim.lr=1e-400 is too small", "write 0"),
    "optim.weight_decay=1e-400": ("optim.weight_decay=1e-400 is too small", "write 0"),
    "optim.lr=nan": ("optim.lr=nan", "finite"),
    "optim.lr=-inf": ("optim.lr=-inf", "finite"),
    "optim.lr=1/10": ("optim.lr=1/10", "a number"),
    "optim.lr=10%": ("optim.lr=10%", "a number (10% is 0.1)"),
    "optim.lr='0.1'": ("optim.lr='0.1'", "a number"),
    "optim.lr=[[[[[[[[[[[[1]]]]]]]]]]]]": ("nested more than 10 levels", "optim.lr"),
    "seed=9223372036854775808": ("seed=9223372036854775808", "at most 9223372036854775807"),
    "steps=99999999999999999999": ("steps=99999999999999999999", "at most 9223372036854775807"),
    "seed=-1": ("seed=-1", "at least 0"),
    "seed=007": ("seed=007", "a whole number"),
    "seed=0x10": ("seed=0x10", "a whole number"),
    "seed=1e3": ("seed=1000.0", "a whole number (write seed=1000)"),
    "steps=1e3": ("steps=1000.0", "a whole number or null (write steps=1000)"),
    "seed=1e30": ("seed=1e+30", "a whole number\n"),
    "data.train_size=0.5": ("data.train_size=0.5", "a whole number or null\n"),
    "data.val_size=10%": ("data.val_size=10%", "(a share below 1, or a number of examples: 10% is 0.1)"),
    "schedule.warmup=2.5%": ("schedule.warmup=2.5%", "(a share of all updates: 2.5% is 0.025)"),
    "schedule.warmup=100": ("schedule.warmup=100", "at most 1 (a share of all updates)"),
    "schedule=step schedule.milestones=[30,60]": ("schedule.milestones=[30,60]", "at most 1 (shares of all updates)"),
    # several numbers
    "seed=0-9": ("seed=0-9", "number (several, with `bnlab sweep`: seed=0,9 or seed=range(0,10), which is 0 to 9)"),
    "sweep seed=0..3": ("seed=0..3", "seed=0,3 or seed=range(0,4), which is 0 to 3)"),
    "sweep seed=0:3": ("seed=0:3", "seed=0,3 or seed=range(0,4), which is 0 to 3)"),
    "sweep seed=0-2,7": ("seed=0-2", "seed=0,2 or seed=range(0,3), which is 0 to 2)"),
    "sweep seed=[0,1]": ("seed=[0,1]", "a whole number (several, with `bnlab sweep`: seed=0,1)"),
    "sweep steps=[5,10]": ("steps=[5,10]", "a whole number or null (several, with `bnlab sweep`: steps=5,10)"),
    "sweep optim.lr=[0.1,1]": ("optim.lr=[0.1,1]", "a number (several, with `bnlab sweep`: optim.lr=0.1,1)"),
    "optim.lr=0.1-0.5": ("optim.lr=0.1-0.5", "a number (several, with `bnlab sweep`: optim.lr=0.1,0.5)"),
    "sweep model=vgg model.depth=[11,13]": ("model.depth=[11,13]", "model.depth=11,13)"),
    "seed=9-0": ("seed=9-0", "(several, with `bnlab sweep`: seed=9,0)"),
    "seed=[a,b]": ("seed=[a,b] is a list", "`bnlab sweep seed=a,b`"),
    "rerun=0-1": ("rerun=0-1", "true or false\n"),
    "seed={a:1}": ("seed={'a': 1}", "a whole number"),
    "seed=[1": ("seed=[1", "a whole number"),
    "threads=100000": ("threads=100000", "at most 1024"),
    "threads=0": ("threads=0", "at least 1"),
    "sweep.workers=2000": ("sweep.workers=2000", "at most 1024"),
    "clip=None": ("clip=None", "a number or null"),
    "rerun=yes": ("rerun=yes", "true or false"),
    "seed=???": ("seed", "a value that must be given"),
    "seed=${nope}": ("'nope' not found", "write the value itself"),
    "seed=${seed}": ("Recursive interpolation", "write the value itself"),
    "seed=${oc.env:NO_SUCH_VARIABLE}": ("NO_SUCH_VARIABLE", "write the value itself"),
    "optim.lr=${": ("${", "write the value itself"),
    # look-alikes
    "norm=bаtch": ("U+0430 CYRILLIC SMALL LETTER A", "write norm=batch"),
    "nоrm=batch": ("U+043E CYRILLIC SMALL LETTER O", "write norm=batch"),
    "diagnostics=[light,lаndscape]": ("U+0430 CYRILLIC SMALL LETTER A", "write diagnostics=landscape"),
    "sweep norm=none,bаtch": ("U+0430 CYRILLIC SMALL LETTER A", "write norm=batch"),
    "~clіp": ("U+0456 CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I", "write clip"),
    "optim.lr=−0.1": ("U+2212 MINUS SIGN", "write optim.lr=-0.1"),
    "sweep optim.lr=0.1,−1": ("U+2212 MINUS SIGN", "write optim.lr=-1"),
    "seed=１": ("U+FF11 FULLWIDTH DIGIT ONE", "write seed=1"),
    "optim.lr=0.1\u00a0": ("U+00A0 NO-BREAK SPACE", "write optim.lr=0.1"),
    "norm\u00a0=batch": ("U+00A0 NO-BREAK SPACE", "write norm=batch"),
    "norm=\u200bbatch": ("U+200B ZERO WIDTH SPACE", "write norm=batch"),
    "norm=‘batch’": ("U+2018 LEFT SINGLE QUOTATION MARK", "write norm=batch"),
    "norm＝batch": ("U+FF1D FULLWIDTH EQUALS SIGN", "write norm=batch"),
    "model.activation=rеlu": ("U+0435 CYRILLIC SMALL LETTER IE", "write model.activation=relu"),
    "rerun=truе": ("U+0435 CYRILLIC SMALL LETTER IE", "write rerun=true"),
    # invalid characters in values
    "study=a\0b": ("study=a␀b contains U+0000 NULL", "leave it out"),
    "study=a\nb": ("U+000A LINE FEED (a line break)", "leave it out"),
    "study=a\tb": ("U+0009 TAB", "leave it out"),
    "study=\x1b[31mred": ("study=␛[31mred contains U+001B ESCAPE", "leave it out"),
    "study=\udcff": ("U+DCFF, a byte that is not UTF-8", "leave it out"),
    "output_dir=/tmp/\udcff": ("U+DCFF, a byte that is not UTF-8", "leave it out"),
    "data.root=a\u202eb": ("U+202E RIGHT-TO-LEFT OVERRIDE", "leave it out"),
    "list n\0": ("U+0000 NULL", "leave it out"),
    "--config-dir a\0": ("U+0000 NULL", "leave it out"),
    # names of studies and paths
    "study=": ("study=''", "the name of one folder"),
    "study=.": ("study=.", "the name of one folder"),
    "study=..": ("study=..", "the name of one folder"),
    "study=a/b": ("study=a/b", "the name of one folder"),
    "study=a\\b": ("study=a\\b", "the name of one folder"),
    "study=.hidden": ("study=.hidden begins with .", "leave it out"),
    "study=-rf": ("study=-rf begins with -", "leave it out"),
    "study=x ": ("study='x ' begins or ends with a space", "leave it out"),
    "study= x": ("study=' x' begins or ends with a space", "leave it out"),
    f"study={'a' * 300}": ("has 300 bytes", "at most 200"),
    f"study={'é' * 150}": ("has 300 bytes", "at most 200"),
    "study=a,b": ("study=a,b lists several values", "study='\"a,b\"'"),
    "output_dir=": ("output_dir is empty", "name a path"),
    "output_dir=null": ("output_dir=null", "text"),
    f"output_dir=/{'a' * 300}": ("is too long", "at most 255"),
    "output_dir=~nosuchuser/x": ("there is no user nosuchuser", "./~nosuchuser/x"),
    "data=mnist data.root=": ("data.root is empty", "name a path"),
    "data=mnist data.root=~nosuchuser": ("there is no user nosuchuser", "./~nosuchuser"),
    "init_from=": ("init_from is empty", "name a path"),
    "init_from=~nosuchuser": ("there is no user nosuchuser", "./~nosuchuser"),
    "plugins=[~nosuchuser/x.py]": ("there is no user nosuchuser", "./~nosuchuser/x.py"),
    "plugins=file.txt": ("plugins: file.txt", "Model or Norm"),
    "plugins=[.]": ("plugins: . is a folder", "name a file"),
    "plugins=[nowhere.py]": ("plugins: nowhere.py does not exist", "name a file"),
    "freeze=units": ("freeze=units", "freeze=[units]"),
    # functions
    "seed=range(0,3)": ("seed=range(0,3) lists several values", "bnlab sweep"),
    "norm=glob(*)": ("norm=glob(*) lists several values", "bnlab sweep"),
    "sweep data.val_size=interval(0.1,1)": ("data.val_size=interval(0.1,1) has no discrete", "data.val_size=0.1,1.0"),
    "sweep optim.lr=interval(1,0.1)": ("optim.lr=interval(1,0.1) cannot be searched", "it takes two rates above 0"),
    "sweep optim.lr=interval(0,1)": ("optim.lr=interval(0,1) cannot be searched", "as in optim.lr=interval(1e-4,100)"),
    "sweep optim.lr=interval(1e-4)": ("optim.lr=interval(1e-4) cannot be evaluated", "it takes two rates above 0"),
    "sweep optim.lr=interval(a,b)": ("optim.lr=interval(a,b) cannot be evaluated", "it takes two rates above 0"),
    "sweep optim.lr=interval(1e-4,1),2": ("optim.lr=interval(1e-4,1),2 has a function", "give the function alone"),
    "sweep seed=range(3),7": ("seed=range(3),7 has a function among its values", "or list the values"),
    "sweep sweep.looks=[a,b]": ("sweep.looks=[a,b]", "each value should be a whole number"),
    "sweep optim.lr=interval(0.1,1) seed=0,1": ("seed= is given", "draws its own seeds: leave seed= out"),
    "sweep optim.lr=interval(0.1,1) search.width=0": ("search.width=0", "greater than 0"),
    "sweep optim.lr=interval(0.1,1) search.accuracy=90": ("search.accuracy=90", "at most 1"),
    "study lr_sensitivity scale=smoke seed=0,1": ("seed= is given", "set sweep.looks=null"),
    "sweep sweep.looks=[5,3]": ("sweep.looks=[5,3] should be numbers of seeds that rise", "[3,5,8,12,20]"),
    "sweep sweep.looks=[1,3]": ("sweep.looks=[1,3] should be numbers of seeds that rise", "[3,5,8,12,20]"),
    "sweep sweep.looks=[3,3]": ("sweep.looks=[3,3] should be numbers of seeds that rise", "[3,5,8,12,20]"),
    "sweep sweep.looks=3": ("sweep.looks=3 should be a list", "sweep.looks=[3]"),
    "sweep sweep.family=bonferroni": ("sweep.family=bonferroni", "'each' or 'holm'"),
    "optim.lr=interval(0.1,1)": ("optim.lr=interval(0.1,1)", "bnlab sweep"),
    "sweep seed=range(a,b)": ("seed=range(a,b) cannot be evaluated", "range(0,10)"),
    "sweep seed=range(3,0)": ("seed=range(3,0) has no values", "range(10,0,-1)"),
    "sweep optim.lr=range(0,1,0)": ("optim.lr=range(0,1,0) never ends", "range(0,1,0.1)"),
    "sweep optim.lr=range(0,inf)": ("optim.lr=range(0,inf) never ends", "range(0,1,0.1)"),
    "sweep seed=choice()": ("seed=choice() cannot be evaluated", "choice(a,b)"),
    "sweep seed=glob(*)": ("seed is not one", "list values"),
    # sizes
    "sweep seed=range(0,1000000000)": ("1,000,000,000 runs", "sweep.max_runs"),
    "plan seed=range(0,100001)": ("100,001 runs", "sweep.max_runs"),
    "study lr_sensitivity scale=smoke seed=range(0,10**9)": ("cannot be evaluated", "range(0,10)"),
    "study lr_sensitivity scale=smoke seed=range(0,1000000000)": ("runs", "sweep.max_runs"),
    "sweep seed=range(0,1000) data.split_seed=range(0,1000)": ("1,000,000 runs", "sweep.max_runs"),
    "sweep seed=range(0,1e300)": ("1.0e+300 runs", "sweep.max_runs"),
    "sweep optim.lr=range(0,1,1e-300)": ("1.0e+300 runs", "sweep.max_runs"),
    "sweep seed=0,1 sweep.max_runs=1": ("2 runs", "sweep.max_runs=1"),
    "sweep seed=0,1 sweep.max_runs=0": ("sweep.max_runs=0", "at least 1"),
    "sweep seed=0,1 sweep.max_runs=many": ("sweep.max_runs=many", "a whole number"),
}  # fmt: skip
ONE_WORD = ("no rm=batch", "norm =batch", "norm=batch layer", "study=x ", "study= x", "model={width: 5}")

# words that a row of the table above cannot contain: (the words, words that the line must contain)
LONG: dict[str, tuple[list[str], str]] = {
    "an empty word": (["train", ""], "a word of the command is empty"),
    "a blank word": (["train", " "], "a word of the command is blank"),
    "no group": (["list", ""], "a word of the command is empty"),
    "a megabyte of text": (["train", "study=" + "a" * 10**6], "(1000006 characters)"),
    "a megabyte of a choice": (["train", "norm=" + "a" * 10**6], "(1000005 characters)"),
    "a megabyte of a key": (["train", "a" * 10**6 + "=1"], "(1000002 characters)"),
    "a megabyte": (["train", "a" * 10**6], "(1000000 characters)"),
    "a long key": (["train", "a" * 10**4 + "=1"], "(10002 characters)"),
    "a long flag": (["train", "--" + "a" * 10**5], "(100002 characters) is not a flag"),
    "a long verb's path": (["train", "--config-dir", "a" * 10**5], "at most 255"),
    "5,000 digits": (["train", "seed=" + "9" * 5000], "at most 4096 characters"),
    "4,000 digits": (["train", "seed=" + "9" * 4000], "at most 9223372036854775807"),
    "400 digits": (["train", "optim.lr=" + "9" * 400], "at most 1.7e308"),
    "100 digits": (["train", "seed=" + "9" * 100], "a whole number of 100 digits"),
    "a long path": (["train", "output_dir=" + "/aa" * 1365], "at most 3800 bytes"),
    "1,000 brackets": (["train", "seed=" + "[" * 1000 + "]" * 1000], "nested more than 10 levels"),
    "1,000 open brackets": (["train", "seed=" + "[" * 1000], "nested more than 10 levels"),
}


def option(config: Any, key: str) -> Any:
    for part in key.split("."):
        config = config[part]
    return config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "_plugins", {})
    register()
    monkeypatch.setattr(ConfigStore.instance(), "repo", deepcopy(ConfigStore.instance().repo))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("x = 1\n")
    return tmp_path


def parts(words: str) -> list[str]:
    """Return the words of a row, split at spaces except in rows whose word contains one."""
    verb, _, rest = words.partition(" ")
    if words in ONE_WORD:
        return [words]
    if verb == "sweep" and rest in ONE_WORD:
        return [verb, rest]
    return words.split(" ")


@pytest.mark.parametrize("words", TAKEN)
def test_a_value_that_people_have_is_taken(bnlab: Call, folder: Path, words: str) -> None:
    key, value = TAKEN[words]
    status, out, err = bnlab("train", *re.split(r" (?=[a-z._]+=)", words), "--cfg", "job")
    assert (status, err) == (0, "")
    assert option(yaml.safe_load(out), key) == value


@pytest.mark.parametrize("words", MISTAKES)
def test_one_line_names_the_right_thing(bnlab: Call, folder: Path, words: str) -> None:
    culprit, right = MISTAKES[words]
    first, *rest = parts(words)
    verbs = ("sweep", "plan", "study", "list")
    status, out, err = bnlab(first, *rest) if first in verbs else bnlab("train", first, *rest)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert culprit in err
    assert right in err
    assert err.rstrip("\n").isprintable()
    assert [path.name for path in folder.iterdir()] == ["file.txt"], "something was written"


@pytest.mark.parametrize("row", LONG)
def test_one_line_is_short(bnlab: Call, folder: Path, row: str) -> None:
    words, said = LONG[row]
    status, out, err = bnlab(*words)
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert said in err
    assert len(err) < 300


@pytest.mark.parametrize(
    "words",
    [
        ["study=études"],
        ["study=2024"],
        ["study=o'brien (2)"],
        ["output_dir=a=b"],
        ["output_dir=~/out", "study=x y"],
        ["plugins=[modèle.py]", "norm=eigen"],
        ["plugins=['modèle.py']", "norm=eigen", "freeze=[units.0.*]"],
    ],
)
def test_the_command_of_a_run_repeats_it(
    bnlab: Call, folder: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "modèle.py").write_text(NORM, encoding="utf-8")
    status, out, err = bnlab("train", *words, "steps=1", "model.width=4", "diagnostics=off")
    assert (status, err) == (0, "")
    (found,) = folder.rglob("run.json")
    assert str(found.parent).endswith(out.splitlines()[-1].removeprefix("~"))
    status, out, err = bnlab(*shlex.split(json.loads(found.read_text())["command"])[1:])
    assert (status, err) == (0, "")
    assert "done already" in out


def test_an_experiments_words_are_taken_too(bnlab: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    (folder / "home").mkdir()
    (folder / "home/modèle.py").write_text(NORM, encoding="utf-8")
    (folder / "eigene/experiment").mkdir(parents=True)
    (folder / "eigene/experiment/été.yaml").write_text(
        "# @package _global_\nsteps: 1\noutput_dir: ~/out (2)\nplugins: [~/modèle.py]\n"
        "model: {depth: 1, width: 4}\nhydra: {sweeper: {params: {norm: 'glob(ei*)', study: 'études, 2024'}}}\n",
        encoding="utf-8",
    )
    status, _, err = bnlab("sweep", "--config-dir", "eigene", "experiment=été")
    assert (status, err) == (0, "")
    assert sorted(path.name for path in (folder / "home/out (2)").iterdir()) == ["2024", "études"]
    assert len(list((folder / "home/out (2)").rglob("run.json"))) == 2


@pytest.mark.parametrize("words", [["-h"], ["seed=x", "-h"], ["--config-dir", "-h"], ["--", "--help"]])
@pytest.mark.parametrize("verb", ["train", "sweep", "plan", "show", "study", "list"])
def test_help_wherever_it_stands(bnlab: Call, folder: Path, verb: str, words: list[str]) -> None:
    status, out, err = bnlab(verb, *words)
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: bnlab {verb}")


BOMB = b"a0: &a0 [x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
)
BROKEN = {
    "a bomb": (BOMB, "more than 100000 values"),
    "binary": (b"\xff\xfe\x00", "not UTF-8 text"),
    "a number": (b"42", "it contains 42"),
    "a list": (b"[a, b]", "it contains a list"),
    "2,000 deep": (b"a: " + b"[" * 2000 + b"]" * 2000, "50 levels"),
    "keys twice": (b"name: batch\nname: layer\n", "duplicate key"),
    "a tab": (b"name:\n\tbatch", "a tab"),
    "an object": (b"name: !!python/object/apply:os.getcwd []", "!!python/object/apply:os.getcwd"),
}


@pytest.mark.parametrize("row", BROKEN)
@pytest.mark.parametrize(("group", "verb"), [("norm", "train"), ("norm", "sweep"), ("experiment", "sweep")])
def test_a_broken_yaml_is_named(bnlab: Call, folder: Path, row: str, group: str, verb: str) -> None:
    content, said = BROKEN[row]
    path = folder / "mine" / group / "own.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    status, out, err = bnlab(verb, "--config-dir", "mine", f"{group}=own")
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert f"{group}/own.yaml" in err
    assert said in err
    status, out, _ = bnlab("list", group, "--config-dir", "mine")
    assert status == 0, "the others are listed all the same"


# the content of an experiment's yaml after its first line and `steps: 1`: words that the line must contain
EXPERIMENTS: dict[str, str] = {
    "epochs: 3": "epochs and steps both set the length of training",
    "plugins: x.py": "plugins=x.py should be a list of files",
    "plugins: [1]": "plugins=[1] should be a list of files",
    "plugins: {a: 1}": "plugins={'a': 1} should be a list of files",
    "optim: 5": "optim=5 is not a choice of optim here",
    "norm: batch": "`- override /norm: NAME`",
    "sweep: 5": "sweep=5 is not an option",
    "sweep: {max_runs: 0}": "sweep.max_runs=0 should be at least 1",
    "output_dir: ''": "output_dir is empty",
    "study: [a]": "study=[a] should be text",
    'study: "a\\nb"': "LINE FEED",
    "data: {root: x}": "data.root is not an option of the data chosen here",
    "threads: 99999": "threads=99999 should be at most 1024",
    "colour: red": "colour is not an option here",
    "seed: ${nope}": "'nope' not found",
    "optim: {lr: −1}": "U+2212 MINUS SIGN; write -1",
    "seed: 9223372036854775808": "should be at most 9223372036854775807",
    "seed: 1e3": "seed=1000.0 should be a whole number",
    "diagnostics: [light]": "experiment/own.yaml: Cannot merge",
    "defaults: 5": "its defaults are 5, and should be a list",
    "defaults: [[a]]": "[a] in its defaults should be one group",
    "defaults: [{a: b, c: d}]": "in its defaults should be one group",
    "defaults: [{override /model: 5}]": "5 in its defaults should be the name",
    "defaults: [{override /model: nope}]": "model=nope is not known",
    "defaults: [{model: cnn}]": "write `override /model: cnn`",
    "defaults: [/../../x]": "Could not load '../../x'",
    "hydra: 5": "experiment/own.yaml: ",
    "hydra: {sweeper: 5}": "experiment/own.yaml: ",
    "hydra: {sweeper: {nope: 5}}": "Key 'nope' not in",
    "hydra: {sweeper: {params: 5}}": "hydra.sweeper.params: 5 should be options",
    "hydra: {sweeper: {params: [1, 2]}}": "hydra.sweeper.params: [1, 2] should be options",
    "hydra: {sweeper: {sweeps: 5}}": "hydra.sweeper.sweeps: 5 should be a list of grids",
    "hydra: {sweeper: {sweeps: {a: 1}}}": "hydra.sweeper.sweeps: {'a': 1} should be a list of grids",
    "hydra: {sweeper: {sweeps: [1]}}": "hydra.sweeper.sweeps: [1] should be a list of grids",
    "hydra: {sweeper: {scales: 5}}": "hydra.sweeper.scales: 5 should be grids by size",
    "hydra: {sweeper: {scales: {cpu: 5}}}": "hydra.sweeper.scales.cpu: 5 should have params",
    "hydra: {sweeper: {scales: {cpu: {params: 5}}}}": "hydra.sweeper.scales.cpu.params: 5 should be",
    "hydra: {sweeper: {params: {norm: null}}}": "norm=null",
    "hydra: {sweeper: {params: {norm: ../model/mlp}}}": "a choice is a name",
    "hydra: {sweeper: {params: {norm: bаtch}}}": "CYRILLIC SMALL LETTER A",
    "hydra: {sweeper: {params: {optim.lr: −1}}}": "MINUS SIGN",
    "hydra: {sweeper: {params: {optim.lr: '0.1,,1'}}}": "an empty value before or after a comma",
    "hydra: {sweeper: {params: {a b: 1}}}": "U+0020 SPACE",
    "hydra: {sweeper: {params: {1: 2}}}": "a key is like optim.lr",
    "hydra: {sweeper: {params: {seed: 'range(0,1000000000)'}}}": "1,000,000,000 runs",
    "hydra: {sweeper: {params: {seed: 'range(0,60000)'}, sweeps: [{norm: none}, {norm: batch}]}}": "120,000 runs",
    "hydra: {searchpath: [x]}": "hydra.searchpath",
}


@pytest.mark.parametrize("content", EXPERIMENTS)
def test_a_wrong_experiment_is_one_line(bnlab: Call, folder: Path, content: str) -> None:
    (folder / "mine/experiment").mkdir(parents=True)
    (folder / "mine/experiment/own.yaml").write_text(f"# @package _global_\nsteps: 1\n{content}\n", encoding="utf-8")
    status, out, err = bnlab("sweep", "--config-dir", "mine", "experiment=own")
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert EXPERIMENTS[content] in err
    assert not (folder / "outputs").exists()


def test_an_experiment_without_its_first_line(bnlab: Call, folder: Path) -> None:
    (folder / "mine/experiment").mkdir(parents=True)
    for content in ("", "steps: 1\n"):
        (folder / "mine/experiment/own.yaml").write_text(content)
        status, _, err = bnlab("sweep", "--config-dir", "mine", "experiment=own")
        assert (status, err.count("\n")) == (2, 1)
        assert "the first line of its yaml should be `# @package _global_`" in err


@pytest.mark.parametrize("content", ["", "claims: []\n", "# A study\nclaims: []\n", "steps: 1\n"])
def test_a_study_without_its_first_line(bnlab: Call, folder: Path, content: str) -> None:
    (folder / "mine/experiment").mkdir(parents=True)
    (folder / "mine/experiment/own.yaml").write_text(content)
    status, out, err = bnlab("study", "own", "--config-dir", "mine")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "own" in err
    assert re.search("first line (of its yaml )?should be `# @package _global_`", err)


def test_one_path_with_a_comma(bnlab: Call, folder: Path) -> None:
    (folder / "pics (2), x=y").mkdir()
    words = ["data=image_folder", "data.root=pics (2), x=y"]
    for verb in ("sweep", "train"):
        status, out, err = bnlab(verb, *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "data.root=pics (2), x=y: commas separate values; as one value, in quotes" in err
    meant = shlex.split(err.rpartition(": ")[2])
    assert "pics (2), x=y has no class folders" in bnlab("sweep", "data=image_folder", *meant)[2]
    (folder / "pics (2)").mkdir()
    (folder / "x=y").mkdir()
    assert "pics (2) has no class folders" in bnlab("sweep", *words)[2], "all three are there"


@pytest.mark.parametrize(("group", "base"), [("norm", "norms.base.Norm"), ("model", "models.base.Model")])
def test_a_plugin_without_forward(bnlab: Call, folder: Path, group: str, base: str) -> None:
    room, _, kind = base.rpartition(".")
    init = "def __init__(self, shape, outputs, norms): super().__init__()" if group == "model" else "pass"
    (folder / "own.py").write_text(
        f"from bnlab.{room} import {kind}\n"
        f"class Own({kind}):\n    name = 'own'\n    default_sites = ('before_act',)\n    {init}\n"
    )
    status, out, err = bnlab("train", "plugins=[own.py]", f"{group}=own", "steps=1")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "own.py: Own has no forward(x)" in err


def test_steps_on_the_command_line_may_replace_an_experiments_epochs(bnlab: Call, folder: Path) -> None:
    status, out, err = bnlab("plan", "experiment=demo", "steps=1")
    assert (status, err) == (0, "")
    assert "63 runs" in out


ODD_CHOICES = {
    "diagnostics": ("activation_moments: [1]\n", "diagnostics.activation_moments=[1] should be options"),
    "statistics": ("5: 6\n", "statistics.5 is not an option here"),
}


@pytest.mark.parametrize("group", ODD_CHOICES)
def test_a_choice_of_odd_content_is_one_line(bnlab: Call, folder: Path, group: str) -> None:
    content, says = ODD_CHOICES[group]
    (folder / "mine" / group).mkdir(parents=True)
    (folder / "mine" / group / "own.yaml").write_text(content)
    status, out, err = bnlab("train", "--config-dir", "mine", f"{group}=own", "steps=1")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_a_glob_is_all_that_it_matches(bnlab: Call, folder: Path) -> None:
    status, out, err = bnlab("plan", "norm=glob(*)", "steps=1")
    assert (status, err) == (0, ""), err
    n_norms = len(json.loads(bnlab("list", "norm", "--json")[1])["norm"])
    assert f"{n_norms} runs" in out


@pytest.mark.parametrize("multirun", [False, True])
@pytest.mark.parametrize("fault", [ValueError("a fault"), TypeError("a fault"), KeyError("a fault"), BadInput("ours")])
def test_what_a_task_raises_is_passed_on(multirun: bool, fault: Exception) -> None:
    """A ValueError raised inside is a bug of the program or of a plugin, not a mistake in the words."""

    def task(config: Any) -> None:
        raise fault

    def batch(composer: Any, overrides: Any) -> None:
        raise fault

    task.batch = batch  # type: ignore[attr-defined]
    with pytest.raises(type(fault)) as raised:
        hydra.call(task, ["seed=1"], multirun=multirun)
    assert raised.value is fault


@pytest.fixture(scope="module")
def composer() -> Iterator[Composer]:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        found = GlobalHydra.instance().hydra
        assert found is not None
        yield Composer(found.config_loader)


KEYS = (
    "study", "output_dir", "init_from", "seed", "optim.lr", "norm", "model", "placement", "when", "freeze",
    "diagnostics", "experiment", "rerun", "clip", "device", "model.activation", "norm.eps",
    "statistics.modes", "++seed", "~clip", "",
)  # fmt: skip
VALUES = st.text(st.sampled_from("\\'\"ab é$()[]{}:=~,1.-+*?|#;_/\u2212漢 null"), max_size=10) | st.text(max_size=10)


def line(call: Callable[[], object]) -> str | None:
    """Return the line with which a call is refused, or None."""
    try:
        call()
    except BadInput as refusal:
        return str(refusal)
    return None


@settings(max_examples=500)
@example("${seed}")
@example("${")
@example("range(0,3)")
@example("???")
@given(VALUES)
def test_a_study_is_named_as_it_was_written_or_refused(composer: Composer, text: str) -> None:
    word, found = f"study={text}", []

    def compose() -> None:
        check(parse([word]).overrides, sweeps=False)
        found.append(validate(composer.compose([quoted(word)])).study)

    if (said := line(compose)) is not None:
        assert "\n" not in said
    elif text == "null":
        assert found == ["main"]
    elif not any(sign in text for sign in ("\\", "${")) and text[:1] not in ("'", '"') and not text.endswith(")"):
        assert found == [text]


@settings(max_examples=500)
@given(st.sampled_from(KEYS), VALUES)
def test_any_word_gives_a_config_or_one_line(composer: Composer, key: str, value: str) -> None:
    def compose() -> None:
        flags = parse([f"{key}={value}"])
        check(flags.overrides, sweeps=False)
        validate(composer.compose([quoted(one) for one in flags.overrides]))

    said = line(compose)
    assert said is None or ("\n" not in said and len(said) < 1000)


@settings(max_examples=300)
@given(
    st.lists(VALUES | st.sampled_from(["--cfg", "job", "-h", "--", "--info", "norm=batch", "--config-dir"]), max_size=4)
)
def test_any_words_are_sorted_out_or_refused_in_one_line(words: list[str]) -> None:
    said = line(lambda: check(parse(words).overrides))
    assert said is None or "\n" not in said
