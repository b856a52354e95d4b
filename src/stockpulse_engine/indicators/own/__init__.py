"""Studies that TA-Lib lacks, each written once as a graph of small steps that run over arrays and bar by bar alike."""
