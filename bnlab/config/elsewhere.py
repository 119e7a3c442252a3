"""Names of our options elsewhere: in PyTorch, Keras, scikit-learn, other trainers and papers."""

from bnlab.text import bare

# If two options share a word, the more likely one is first.
_WORDS = {
    "optim.lr": "learning_rate lr_rate learn_rate rate step_size eta alpha base_lr init_lr initial_lr max_lr",
    "optim.momentum": "momentum",
    "optim.weight_decay": "wd decay l2 l2_penalty",
    "optim.beta1": "beta betas b1",
    "optim.beta2": "b2",
    "schedule.gamma": "gamma decay_rate lr_decay decay_factor",
    "schedule.warmup": "warmup warmup_steps warmup_epochs warmup_ratio",
    "data.batch_size": "bs batch mini_batch mini_batch_size n_batch",
    "data.val_size": "validation_size val_split validation_split val_fraction validation_fraction val_ratio",
    "data.size": "image_size img_size resolution",
    "data.root": "path dir folder data_dir data_path data_root",
    "data.augment": "augmentation augmentations",
    "data.channels": "channels",
    "model.width": "hidden hidden_size hidden_dim hidden_units hidden_layer_sizes units neurons n_hidden channels dim",
    "model.depth": "layers n_layers num_layers hidden_layers n_hidden_layers blocks num_blocks",
    "model.activation": "nonlinearity act_fn activation_function",
    "model.dropout": "drop dropout_rate p_dropout",
    "model.init": "initialization initialisation initializer weight_init",
    "norm.affine": "beta gamma scale shift bias elementwise_affine learnable",
    "norm.eps": "eps epsilon",
    "norm.groups": "group num_groups n_groups",
    "norm.track_running_stats": "running_stats",
    "optim.eps": "epsilon",
    "epochs": "n_epochs num_epochs max_epochs",
    "steps": "iterations iters n_iter updates max_steps n_steps num_steps train_steps",
    "seed": "random_seed random_state manual_seed",
    "clip": "grad_clip clip_grad clip_norm max_grad_norm gradient_clip gradient_clipping",
    "accumulate": "accum_steps grad_accum gradient_accumulation gradient_accumulation_steps accumulation",
    "precision": "dtype amp fp16 bf16 allow_tf32",
    "device": "gpu cuda accelerator",
    "output_dir": "out out_dir output save_dir log_dir",
    "init_from": "pretrained checkpoint weights",
    "study": "project run_name experiment_name",
    "model": "net network arch architecture",
    "norm": "normalization normalisation normalizer",
    "optim": "optimizer optimiser",
    "schedule": "scheduler lr_schedule lr_scheduler",
    "data": "dataset",
}


def elsewhere(key: str) -> list[str]:
    """Return the options that a key may mean, those of its own group first; empty for an unknown key."""
    group, _, word = key.rpartition(".")
    found = [option for option, words in _WORDS.items() if bare(word) in map(bare, words.split())]
    return sorted(found, key=lambda option: option.rpartition(".")[0] != group)
