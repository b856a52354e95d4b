"""Every study: how it is written and what it is. Made from the registry by `make docs`; do not edit."""

# ruff: noqa: E501 - a line of data is as long as it is
from __future__ import annotations

STUDIES = """
ac [fastperiod=5] [slowperiod=34] [signalperiod=5]  Accelerator/Decelerator Oscillator
accbands [timeperiod=20]  Acceleration Bands
acos  Vector Trigonometric ACos
ad  Chaikin A/D Line
add  Vector Arithmetic Add
adosc [fastperiod=3] [slowperiod=10]  Chaikin A/D Oscillator
adr [timeperiod=14]  Average Day Range
adx [timeperiod=14]  Average Directional Movement Index
adxr [timeperiod=14]  Average Directional Movement Index Rating
alligator [jaw=13] [teeth=8] [lips=5] [jawoffset=8] [teethoffset=5] [lipsoffset=3]  Williams Alligator
alma [timeperiod=9] [offset=0.85] [sigma=6]  Arnaud Legoux Moving Average
ao [fastperiod=5] [slowperiod=34]  Awesome Oscillator
apo [fastperiod=12] [slowperiod=26] [matype=ema]  Absolute Price Oscillator
aroon [timeperiod=14]  Aroon
aroonosc [timeperiod=14]  Aroon Oscillator
asin  Vector Trigonometric ASin
atan  Vector Trigonometric ATan
atr [timeperiod=14]  Average True Range
atrstop [timeperiod=21] [multiplier=3] [ends=close]  ATR Trailing Stop
avgdev [timeperiod=14]  Average Deviation
avgprice  Average Price
avwap [anchor=0]  Anchored VWAP
bandwidth [timeperiod=20] [nbdev=2]  Bollinger Band Width
bbands [timeperiod=20] [nbdevup=2] [nbdevdn=2] [matype=sma]  Bollinger Bands
beta [timeperiod=5]  Beta
bop  Balance Of Power
cci [timeperiod=14]  Commodity Channel Index
cdl2crows  Two Crows
cdl3blackcrows  Three Black Crows
cdl3inside  Three Inside Up/Down
cdl3linestrike  Three-Line Strike
cdl3outside  Three Outside Up/Down
cdl3starsinsouth  Three Stars In The South
cdl3whitesoldiers  Three Advancing White Soldiers
cdlabandonedbaby [penetration=0.3]  Abandoned Baby
cdladvanceblock  Advance Block
cdlbelthold  Belt-hold
cdlbreakaway  Breakaway
cdlclosingmarubozu  Closing Marubozu
cdlconcealbabyswall  Concealing Baby Swallow
cdlcounterattack  Counterattack
cdldarkcloudcover [penetration=0.5]  Dark Cloud Cover
cdldoji  Doji
cdldojistar  Doji Star
cdldragonflydoji  Dragonfly Doji
cdlengulfing  Engulfing Pattern
cdleveningdojistar [penetration=0.3]  Evening Doji Star
cdleveningstar [penetration=0.3]  Evening Star
cdlgapsidesidewhite  Up/Down-gap side-by-side white lines
cdlgravestonedoji  Gravestone Doji
cdlhammer  Hammer
cdlhangingman  Hanging Man
cdlharami  Harami Pattern
cdlharamicross  Harami Cross Pattern
cdlhighwave  High-Wave Candle
cdlhikkake  Hikkake Pattern
cdlhikkakemod  Modified Hikkake Pattern
cdlhomingpigeon  Homing Pigeon
cdlidentical3crows  Identical Three Crows
cdlinneck  In-Neck Pattern
cdlinvertedhammer  Inverted Hammer
cdlkicking  Kicking
cdlkickingbylength  Kicking - bull/bear determined by the longer marubozu
cdlladderbottom  Ladder Bottom
cdllongleggeddoji  Long Legged Doji
cdllongline  Long Line Candle
cdlmarubozu  Marubozu
cdlmatchinglow  Matching Low
cdlmathold [penetration=0.5]  Mat Hold
cdlmorningdojistar [penetration=0.3]  Morning Doji Star
cdlmorningstar [penetration=0.3]  Morning Star
cdlonneck  On-Neck Pattern
cdlpiercing  Piercing Pattern
cdlrickshawman  Rickshaw Man
cdlrisefall3methods  Rising/Falling Three Methods
cdlseparatinglines  Separating Lines
cdlshootingstar  Shooting Star
cdlshortline  Short Line Candle
cdlspinningtop  Spinning Top
cdlstalledpattern  Stalled Pattern
cdlsticksandwich  Stick Sandwich
cdltakuri  Takuri (Dragonfly Doji with very long lower shadow)
cdltasukigap  Tasuki Gap
cdlthrusting  Thrusting Pattern
cdltristar  Tristar Pattern
cdlunique3river  Unique 3 River
cdlupsidegap2crows  Upside Gap Two Crows
cdlxsidegap3methods  Upside/Downside Gap Three Methods
ceil  Vector Ceil
chandelier [timeperiod=22] [multiplier=3]  Chandelier Exit
cmf [timeperiod=20]  Chaikin Money Flow
cmo [timeperiod=14]  Chande Momentum Oscillator
cmou [timeperiod=14]  Chande Momentum Oscillator (Unsmoothed)
coppock [wmaperiod=10] [roc1period=11] [roc2period=14]  Coppock Curve
correl [timeperiod=30]  Pearson's Correlation Coefficient (r)
cos  Vector Trigonometric Cos
cosh  Vector Trigonometric Cosh
crsi [rsiperiod=3] [streakperiod=2] [rankperiod=100]  ConnorsRSI
cumsum  Cumulative Sum
cvi [timeperiod=10] [rocperiod=10]  Chaikin's Volatility
dema [timeperiod=30]  Double Exponential Moving Average
div  Vector Arithmetic Div
dojipct [percent=0.1]  Doji by Percent
donchian [timeperiod=20]  Donchian Channels
dpo [timeperiod=20]  Detrended Price Oscillator
dx [timeperiod=14]  Directional Movement Index
efi [timeperiod=13]  Elder's Force Index
ema [timeperiod=30]  Exponential Moving Average
envelope [timeperiod=20] [percent=2.5] [matype=sma]  Moving Average Envelope
er [timeperiod=10]  Kaufman Efficiency Ratio
eri [timeperiod=13]  Elder Ray Index (Bull Power / Bear Power)
exp  Vector Arithmetic Exp
fcb [reach=2]  Fractal Chaos Bands
fisher [timeperiod=10]  Fisher Transform
floor  Vector Floor
fosc [timeperiod=5]  Forecast Oscillator
fractal [leftbars=2] [rightbars=2]  Williams Fractal
gator  Gator Oscillator
ha  Heikin-Ashi Candles
hma [timeperiod=20]  Hull Moving Average
ht_dcperiod  Hilbert Transform - Dominant Cycle Period
ht_dcphase  Hilbert Transform - Dominant Cycle Phase
ht_phasor  Hilbert Transform - Phasor Components
ht_sine  Hilbert Transform - SineWave
ht_trendline  Hilbert Transform - Instantaneous Trendline
ht_trendmode  Hilbert Transform - Trend vs Cycle Mode
ichimoku [conversion=9] [base=26] [span=52]  Ichimoku Cloud
imi [timeperiod=14]  Intraday Momentum Index
kama [timeperiod=30]  Kaufman Adaptive Moving Average
kc [timeperiod=20] [atrperiod=10] [nbdev=2]  Keltner Channels
kdj [fastk_period=9] [slowk_period=3] [slowk_matype=rma] [slowd_period=3] [slowd_matype=rma]  KDJ Stochastic
linearreg [timeperiod=14]  Linear Regression
linearreg_angle [timeperiod=14]  Linear Regression Angle
linearreg_intercept [timeperiod=14]  Linear Regression Intercept
linearreg_slope [timeperiod=14]  Linear Regression Slope
ln  Vector Log Natural
log10  Vector Log10
ma [timeperiod=30] [matype=sma]  Moving average
macd [fastperiod=12] [slowperiod=26] [signalperiod=9]  Moving Average Convergence/Divergence
macdext [fastperiod=12] [fastmatype=sma] [slowperiod=26] [slowmatype=sma] [signalperiod=9] [signalmatype=sma]  MACD with controllable MA type
macdfix [signalperiod=9]  Moving Average Convergence/Divergence Fix 12/26
mama [fastlimit=0.5] [slowlimit=0.05]  MESA Adaptive Moving Average
mape [timeperiod=20]  Mean Absolute Percentage Error around the Average
marketfi  Market Facilitation Index
marubozupct [percent=95]  Marubozu by Percent
massi [fastperiod=9] [slowperiod=25]  Mass Index
mavp [minperiod=2] [maxperiod=30] [matype=sma]  Moving average with variable period
max [timeperiod=30]  Highest value over a specified period
maxindex [timeperiod=30]  Index of highest value over a specified period
mcginley [timeperiod=10] [factor=0.6]  McGinley Dynamic
medprice  Median Price
mfi [timeperiod=14]  Money Flow Index
midpoint [timeperiod=14]  MidPoint over period
midprice [timeperiod=14]  Midpoint Price over period
min [timeperiod=30]  Lowest value over a specified period
minindex [timeperiod=30]  Index of lowest value over a specified period
minmax [timeperiod=30]  Lowest and highest values over a specified period
minmaxindex [timeperiod=30]  Indexes of lowest and highest values over a specified period
minus_di [timeperiod=14]  Minus Directional Indicator
minus_dm [timeperiod=14]  Minus Directional Movement
mom [timeperiod=10]  Momentum
mult  Vector Arithmetic Mult
mvwap [timeperiod=50] [source=hlc3]  Moving VWAP
natr [timeperiod=14]  Normalized Average True Range
nvi  Negative Volume Index
obv  On Balance Volume
percentb [timeperiod=20] [nbdev=2]  Bollinger %B
percentile [timeperiod=30] [percentile=50]  Percentile (nearest rank)
percentrank [timeperiod=100]  Percent Rank
pivots [period=session] [kind=standard]  Pivot Points
plus_di [timeperiod=14]  Plus Directional Indicator
plus_dm [timeperiod=14]  Plus Directional Movement
ppo [fastperiod=12] [slowperiod=26] [matype=ema]  Percentage Price Oscillator
prs [timeperiod=20]  Price Relative Strength
pvi  Positive Volume Index
pvo [fastperiod=12] [slowperiod=26] [matype=ema]  Percentage Volume Oscillator
pvos [fastperiod=12] [slowperiod=26] [signalperiod=9]  Percentage Volume Oscillator with Signal
pvt  Price Volume Trend
qstick [timeperiod=10]  Qstick
renko [size=1]  Renko: the Last Brick
rma [timeperiod=30]  Wilder's Smoothed Moving Average
roc [timeperiod=10]  Rate of change : ((price/prevPrice)-1)*100
rocbands [timeperiod=20] [emaperiod=5] [devperiod=5]  Rate of Change with Bands
rocp [timeperiod=10]  Rate of change Percentage: (price-prevPrice)/prevPrice
rocr [timeperiod=10]  Rate of change ratio: (price/prevPrice)
rocr100 [timeperiod=10]  Rate of change ratio 100 scale: (price/prevPrice)*100
rollingpivots [timeperiod=20] [offset=0] [kind=standard]  Rolling Pivot Points
rsi [timeperiod=14]  Relative Strength Index
rvi [timeperiod=14] [stddevperiod=10]  Relative Volatility Index
rvol [timeperiod=20]  Relative Volume
sar [acceleration=0.02] [maximum=0.2]  Parabolic SAR
sarext [startvalue=0] [offsetonreverse=0] [accelerationinitlong=0.02] [accelerationlong=0.02] [accelerationmaxlong=0.2] [accelerationinitshort=0.02] [accelerationshort=0.02] [accelerationmaxshort=0.2]  Parabolic SAR - Extended
sharpe [timeperiod=20] [rate=0]  Sharpe Ratio of Bars
sin  Vector Trigonometric Sin
sinh  Vector Trigonometric Sinh
sma [timeperiod=30]  Simple Moving Average
smi [timeperiod=13] [fastperiod=2] [slowperiod=25] [signalperiod=9]  Stochastic Momentum Index
sortino [timeperiod=20] [rate=0]  Sortino Ratio of Bars
sqrt  Vector Square Root
starc [timeperiod=6] [multiplier=2] [atrperiod=15]  STARC Bands
stc [cycle=10] [fastperiod=23] [slowperiod=50]  Schaff Trend Cycle
stddev [timeperiod=5] [nbdev=1]  Standard Deviation
stoch [fastk_period=5] [slowk_period=3] [slowk_matype=sma] [slowd_period=3] [slowd_matype=sma]  Stochastic
stochf [fastk_period=5] [fastd_period=3] [fastd_matype=sma]  Stochastic Fast
stochrsi [timeperiod=14] [fastk_period=5] [fastd_period=3] [fastd_matype=sma]  Stochastic Relative Strength Index
sub  Vector Arithmetic Subtraction
sum [timeperiod=30]  Summation
supertrend [timeperiod=10] [multiplier=3]  SuperTrend
t3 [timeperiod=5] [vfactor=0.7]  Triple Exponential Moving Average (T3)
tan  Vector Trigonometric Tan
tanh  Vector Trigonometric Tanh
tema [timeperiod=30]  Triple Exponential Moving Average
trange  True Range
trima [timeperiod=30]  Triangular Moving Average
trix [timeperiod=30]  1-day Rate-Of-Change (ROC) of a Triple Smooth EMA
tsf [timeperiod=14]  Time Series Forecast
tsi [firstperiod=25] [secondperiod=13]  True Strength Index
typprice  Typical Price
ultosc [timeperiod1=7] [timeperiod2=14] [timeperiod3=28]  Ultimate Oscillator
valueatrisk [timeperiod=252] [confidence=95]  Value at Risk (normal)
var [timeperiod=5] [nbdev=1]  Variance
vhf [timeperiod=28]  Vertical Horizontal Filter
volstop [timeperiod=7] [multiplier=3]  Wilder's Volatility Stop
vortex [timeperiod=14]  Vortex Indicator
vwap [anchor=session]  Volume Weighted Average Price
vwapbands [anchor=session] [nbdev=2]  Volume Weighted Average Price with Bands
vwma [timeperiod=30]  Volume Weighted Moving Average
wad  Williams' Accumulation/Distribution
wclprice  Weighted Close Price
willr [timeperiod=14]  Williams' %R
wma [timeperiod=30]  Weighted Moving Average
zigzag [percent=5] [ends=close]  ZigZag
zigzagtrends [percent=5] [ends=close]  Lines through the ZigZag's Highs and Lows
zlema [timeperiod=30]  Zero-Lag Exponential Moving Average
zscore [timeperiod=20]  Standard Score of the Close
"""

ALIASES = """
awesome=ao
bb=bbands
bollinger=bbands
cloud=ichimoku
force=efi
heikinashi=ha
hull=hma
keltner=kc
percentr=willr
psar=sar
sessionvwap=vwap
smma=rma
stochastic=stoch
wilder=rma
"""
